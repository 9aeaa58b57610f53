/** Imports of thousands of flags: in parts that are whole, while others have their turn, and again without harm. */
import { describe, expect, it } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { SLICE_MS, Turns } from '../../src/flags/turns.ts';
import { convertFile } from '../../src/registry/flag-conversion.ts';
import { openApp } from './app-fixtures.ts';

const IMPORT = '/api/v1/configs/shop/flags/import';
const MiB = 1024 * 1024;
const MANY = 2500;

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
    await convertFile(file(300), {}, turns);
    expect(pauses).toBeGreaterThanOrEqual(600);
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
    const work = convertFile('x', { format: 'unleash' });
    const error = await work.catch((thrown: unknown) => thrown);
    expect(isConfigError(error) && error.details).toMatchObject({ format: 'unleash' });
  });
});
