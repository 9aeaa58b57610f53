/** Imports of thousands of flags: in parts that are whole, while others have their turn, and again without harm. */
import { describe, expect, it } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { SLICE_MS, Turns } from '../../src/flags/turns.ts';
import { convertFile } from '../../src/registry/flag-conversion.ts';
import { planImport, runImport } from '../../src/registry/flag-import.ts';
import { openApp } from './app-fixtures.ts';
import { codeOf, openWorld } from './change-fixtures.ts';
import { SHOP, type World } from './change-world.ts';

const IMPORT = '/api/v1/configs/shop/flags/import';
const MiB = 1024 * 1024;
const MANY = 2500;

interface Seen {
  readonly key: string;
  readonly revision: number;
}

const NOTHING = { flags: new Map(), set: { evaluators: {}, metadata: {} } };

function flag(i: number) {
  const targeting = i % 3 === 0 ? { targeting: { if: [{ $ref: 'staff' }, 'off'] } } : {};
  return { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on', ...targeting };
}

/** A bound flag among the first, and another one among the last. */
function file(count = MANY): string {
  const keys = ['metrics', ...Array.from({ length: count - 2 }, (_, i) => `f${i}`), 'debug'];
  const flags = Object.fromEntries(keys.map((key, i) => [key, flag(i + 1)]));
  const $evaluators = { staff: { ends_with: [{ var: 'email' }, '@example.com'] } };
  return JSON.stringify({ flags, $evaluators });
}

async function openShop() {
  const app = await openApp();
  expect((await app.call('POST', '/api/v1/configs', { name: 'shop' })).status).toBe(201);
  const { journal } = app.operations.store;
  const on = async (): Promise<readonly string[]> => (await app.operations.get('shop')).features.enabled;
  return { ...app, journal, on, head: async () => (await journal.head()).seq };
}

describe('an import of thousands of flags', () => {
  it('is written part by part, each with the bits that follow, and is the same when it comes again', async () => {
    const { call, journal, head, on } = await openShop();
    const text = file();
    const before = await head();
    const plan = await call('POST', IMPORT, { text, dryRun: true });
    expect([plan.body.flags.length, plan.body.written, await head()]).toEqual([MANY, 0, before]);
    const appended: string[][] = [];
    const stop = journal.onAppend((entries) => void appended.push(entries.map(({ stream }) => stream)));
    expect((await call('POST', IMPORT, { text, reason: 'moving' })).body).toMatchObject({
      written: MANY,
      findings: [],
    });
    stop();
    expect(appended.map(({ length }) => length)).toEqual([902, 900, 701]);
    expect(appended.map((streams) => streams.filter((stream) => !stream.startsWith('flag:')))).toEqual([
      expect.arrayContaining(['flagset:shop', 'config:shop']),
      [],
      ['config:shop'],
    ]);
    const order = appended.flat().filter((stream) => stream.startsWith('flag:shop/f'));
    expect(order).toEqual(Array.from({ length: MANY - 2 }, (_, i) => `flag:shop/f${i}`));
    expect(await on()).toEqual(['debug', 'metrics']);
    const after = await head();
    const again = await call('POST', IMPORT, { text });
    expect([again.body.written, await head()]).toEqual([0, after]);
  }, 60_000);

  it('says how many are written when it ends early, and the same request writes the rest', async () => {
    const { call, journal, head } = await openShop();
    const text = file();
    const append = journal.append.bind(journal);
    const before = await head();
    let parts = 0;
    journal.append = async (entries) => {
      const { stream, type, actor, reason, body } = entries[7]!;
      if (++parts === 2) await append([{ stream, type, actor, reason, body, expected: 0 }]);
      return await append(entries);
    };
    const ended = await call('POST', IMPORT, { text });
    journal.append = append;
    expect([ended.status, ended.body.code]).toEqual([409, 'ERR_REVISION_CONFLICT']);
    expect(ended.body.detail).toMatch(/ \(900 of 2500 flags were written before that\)$/);
    expect(ended.body.hint).toContain('import the same again');
    // What the first part and the one who came between have written.
    expect(await head()).toBe(before + 902 + 1);
    expect((await call('POST', IMPORT, { text })).body.written).toBe(MANY - 901);
    expect((await call('POST', IMPORT, { text })).body.written).toBe(0);
  }, 60_000);

  it('of more than a config holds is refused, and the journal has not moved', async () => {
    const { call, head } = await openShop();
    const before = await head();
    const { body } = await call('POST', IMPORT, { text: file(5001) });
    expect([body.status, body.code, await head()]).toEqual([400, 'ERR_OUT_OF_RANGE', before]);
  }, 60_000);

  it('lets others have their turn after each flag', async () => {
    let now = 0;
    let pauses = 0;
    const turns = new Turns({ clock: () => (now += SLICE_MS), pause: async () => void pauses++ });
    await convertFile(file(300), {}, NOTHING, turns);
    expect(pauses).toBeGreaterThanOrEqual(600);
  });
});

describe('what changes between the plan of an import and its writing', () => {
  const definition = (color: string) => ({ state: 'ENABLED', variants: { a: color }, defaultVariant: 'a' });
  const write = { actor: 'ann', isFeature: () => false };
  const put = ({ flags }: World, key: string, color: string) =>
    flags.change(SHOP, key, { kind: 'put', input: { definition: definition(color) } }, write);
  const evaluators = { staff: { ends_with: [{ var: 'email' }, '@example.com'] } };
  const text = JSON.stringify({
    flags: { banner: definition('imported'), other: definition('imported') },
    $evaluators: evaluators,
  });
  const changes: Record<string, (world: World) => Promise<unknown>> = {
    'a flag that it replaces': (world) => put(world, 'banner', 'meanwhile'),
    'a flag that it replaces, deleted': ({ flags }) => flags.change(SHOP, 'banner', { kind: 'delete' }, write),
    'a flag that it makes': (world) => put(world, 'other', 'meanwhile'),
    'what flags share': ({ flags }) => flags.putSet(SHOP, { metadata: { version: '2' } }, write),
  };

  it.each(Object.keys(changes))('is not overwritten: %s', async (name) => {
    const world = await openWorld();
    await put(world, 'banner', 'first');
    const plan = await planImport(world, SHOP, text, {});
    await changes[name]!(world);
    const before = await world.head();
    expect(await codeOf(runImport(world, plan, world.who('ann'), { actor: 'ann' }))).toBe('ERR_REVISION_CONFLICT');
    expect(await world.head()).toBe(before);
    const again = await planImport(world, SHOP, text, {});
    expect(await runImport(world, again, world.who('ann'), { actor: 'ann' })).toBe(2);
  });

  it('is not overwritten by a request that names the revisions of a dry run', async () => {
    const { call, head } = await openShop();
    await call('PUT', '/api/v1/configs/shop/flags/banner', { definition: definition('first') });
    const { body: plan } = await call('POST', IMPORT, { text, dryRun: true });
    expect(plan.flags.map(({ revision }: { revision: number }) => revision)).toEqual([1, 0]);
    const expected = Object.fromEntries(plan.flags.map(({ key, revision }: Seen) => [key, revision]));
    await call('PUT', '/api/v1/configs/shop/flags/other', { definition: definition('meanwhile') });
    const before = await head();
    const refused = await call('POST', IMPORT, { text, expected });
    expect([refused.status, refused.body.details]).toEqual([
      409,
      { stream: 'flag:shop/other', expected: 0, actual: 1 },
    ]);
    expect(await head()).toBe(before);
    expect((await call('POST', IMPORT, { text, expected: { ...expected, other: 1 } })).body.written).toBe(2);
    expect((await call('POST', IMPORT, { text, expected })).body.written).toBe(0);
    expect((await call('POST', IMPORT, { text, expected: { banner: -1 } })).status).toBe(400);
  });

  it('does not hinder it where only its config changed, of which it sets bits', async () => {
    const world = await openWorld();
    const bound = JSON.stringify({ flags: { fast: flag(1) } });
    const plan = await planImport(world, SHOP, bound, {});
    const bulk = world.operations.bulk.bind(world.operations);
    let isFirst = true;
    world.operations.bulk = async (...asked) => {
      if (isFirst) await world.operations.set(SHOP, { rows: 33 }, { actor: 'otto' });
      isFirst = false;
      return await bulk(...asked);
    };
    expect(await runImport(world, plan, world.who('ann'), { actor: 'ann' })).toBe(1);
    expect((await world.operations.get(SHOP)).features.enabled).toEqual(['metrics', 'logging', 'fast']);
  });

  it('is not made again: a config that was deleted', async () => {
    const world = await openWorld();
    const bound = JSON.stringify({ flags: { fast: flag(1), banner: definition('x') } });
    const plan = await planImport(world, SHOP, bound, {});
    await world.operations.delete(SHOP, { actor: 'otto' });
    const before = await world.head();
    expect(await codeOf(runImport(world, plan, world.who('ann'), { actor: 'ann' }))).toBe('ERR_NOT_FOUND');
    expect(await world.head()).toBe(before);
  });
});

describe('what an import does to what is there', () => {
  const STAFF = { ends_with: [{ var: 'email' }, '@ours.example'] };
  const OTHERS = { ends_with: [{ var: 'email' }, '@theirs.example'] };
  const RULE = {
    state: 'ENABLED',
    variants: { yes: 'y', no: 'n' },
    defaultVariant: 'no',
    targeting: { if: [{ $ref: 'staff' }, 'yes', 'no'] },
  };
  const OFF = { ...flag(1), defaultVariant: 'off' };
  const FLAGS = '/api/v1/configs/shop/flags';
  const textOf = (flags: object, shared: object = {}) => JSON.stringify({ flags, ...shared });
  const found = ({ body }: { body: { findings: { code: string; flag: string | null }[] } }) =>
    body.findings.map(({ code, flag: of }) => `${code} ${of}`);

  it('keeps facts that the source does not speak of', async () => {
    const { call } = await openShop();
    const said = { owner: 'team-x', clientVisible: true, tags: ['t'], description: 'd', expiresAt: 7 };
    await call('PUT', `${FLAGS}/banner`, { definition: flag(1), ...said });
    const changed = await call('POST', IMPORT, { text: textOf({ banner: OFF, fresh: flag(1) }) });
    expect([found(changed), changed.body.written]).toEqual([[], 2]);
    expect((await call('GET', `${FLAGS}/banner`)).body).toMatchObject({ definition: OFF, ...said });
    const same = await call('POST', IMPORT, { text: textOf({ banner: OFF }) });
    expect(same.body).toMatchObject({ written: 0, flags: [{ key: 'banner', step: 'none' }] });
  });

  it('says so where a flag stays in the archive, and where it comes back', async () => {
    const { call } = await openShop();
    for (const key of ['stays', 'back']) {
      await call('PUT', `${FLAGS}/${key}`, { definition: flag(1) });
      await call('POST', `${FLAGS}/${key}/archive`, {});
    }
    const file = textOf({
      'x.stays': OFF,
      stays: OFF,
      back: { ...OFF, metadata: { 'c13.owner': 'ann' } },
    });
    const plan = await call('POST', IMPORT, { text: file, dryRun: true });
    expect(found(plan)).toEqual(['stays-archived stays', 'unarchived back']);
    expect(plan.body.findings.map(({ severity }: { severity: string }) => severity)).toEqual(['warn', 'warn']);
    await call('POST', IMPORT, { text: file });
    expect((await call('GET', `${FLAGS}/stays`)).body).toMatchObject({
      archivedAt: expect.any(Number),
      definition: OFF,
    });
    expect((await call('GET', `${FLAGS}/back`)).body).toMatchObject({ archivedAt: null, owner: 'ann' });
    expect(found(await call('POST', IMPORT, { text: file }))).toEqual(['stays-archived stays']);
  });

  it('refers to evaluators that are there, and keeps them', async () => {
    const { call } = await openShop();
    const set = '/api/v1/configs/shop/flagset';
    await call('PUT', set, { evaluators: { staff: STAFF } });
    const more = { crew: { or: [{ $ref: 'staff' }, { '==': [{ var: 'crew' }, true] }] } };
    const text = textOf({ next: RULE }, { $evaluators: more });
    const made = await call('POST', IMPORT, { text });
    expect([found(made), made.body.written]).toEqual([[], 1]);
    expect((await call('GET', set)).body.evaluators).toEqual({ staff: STAFF, ...more });
    const lost = await call('POST', IMPORT, { text: textOf({ a: { ...RULE, targeting: { $ref: 'nobody' } } }) });
    expect(found(lost)).toEqual(['invalid-flag a']);
  });

  it('replaces an evaluator that other flags refer to only when it is forced, and says so', async () => {
    const { call, head } = await openShop();
    await call('PUT', '/api/v1/configs/shop/flagset', { evaluators: { staff: STAFF }, metadata: { version: '1' } });
    await call('PUT', `${FLAGS}/old`, { definition: RULE });
    const ask = async (): Promise<unknown> => {
      const path = '/api/v1/configs/shop/ofrep/v1/evaluate/flags/old';
      return (await call('POST', path, { context: { email: 'a@ours.example' } })).body.value;
    };
    const text = textOf({ fresh: RULE }, { $evaluators: { staff: OTHERS }, metadata: { version: '2' } });
    const before = await head();
    const plan = await call('POST', IMPORT, { text, dryRun: true });
    expect(found(plan)).toEqual(['evaluator-replaced null', 'metadata-replaced null']);
    expect(plan.body.findings[0]).toMatchObject({ severity: 'warn', path: '/$evaluators/staff' });
    const refused = await call('POST', IMPORT, { text });
    expect([refused.status, refused.body.code]).toEqual([422, 'ERR_IMPORT']);
    expect(refused.body.detail).toContain("'staff'");
    expect([await head(), await ask()]).toEqual([before, 'y']);
    const forced = await call('POST', IMPORT, { text, force: true });
    expect([found(forced), forced.body.written]).toEqual([found(plan), 1]);
    expect(await ask()).toBe('n');
    expect(found(await call('POST', IMPORT, { text }))).toEqual([]);
  });
});

describe('the body of an import', () => {
  it('holds a whole file; others are as small as ever', async () => {
    const { call, head } = await openShop();
    const before = await head();
    const large = JSON.stringify({ text: file(2) + ' '.repeat(20 * MiB), dryRun: true });
    for (const headers of [{}, { 'idempotency-key': 'once' }]) {
      expect((await call('POST', IMPORT, large, headers)).body).toMatchObject({ format: 'flagd', written: 0 });
      const larger = await call('POST', IMPORT, `${large}${' '.repeat(13 * MiB)}`, headers);
      expect([larger.status, larger.body.details]).toEqual([413, { limit_bytes: 32 * MiB }]);
      const other = await call('PUT', '/api/v1/configs/shop/flags/x', ' '.repeat(2 * MiB), headers);
      expect([other.status, other.body.details]).toEqual([413, { limit_bytes: MiB }]);
    }
    expect(await head()).toBe(before);
  }, 60_000);

  it.each([
    ['no JSON', { text: '{\n  "flags": {,}}' }, 'The export is not JSON: the fault is at line 2, character 13'],
    ['an end too early', { text: '{"flags":' }, 'The export is not JSON: the fault is at line 1, character 10'],
    [
      'a key twice',
      { text: '{"flags": {\n"a": {},\n "a": {}}}' },
      'The export has the key "a" twice in one object, again at line 3, character 2',
    ],
    [
      'segments that are no JSON',
      { text: '{"features":[{"name":"a"}]}', segments: '[1,]' },
      'The file of segments is not JSON: the fault is at line 1, character 4',
    ],
  ])('says where there is %s', async (_, body, detail) => {
    const { call, head } = await openShop();
    const before = await head();
    const answer = await call('POST', IMPORT, body);
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([422, 'ERR_IMPORT', detail]);
    expect(await head()).toBe(before);
  });

  it('is judged before anything is made of it', async () => {
    const work = convertFile('x', { format: 'unleash' }, NOTHING);
    const error = await work.catch((thrown: unknown) => thrown);
    expect(isConfigError(error) && error.details).toMatchObject({ format: 'unleash' });
  });
});
