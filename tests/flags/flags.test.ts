/**
 * Rich flags over a real journal: made, changed and found again, refused without a trace, and followed whoever writes.
 * @module
 */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noRollouts } from '../../src/config/rollout.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { compileFlags, type FlagSource } from '../../src/flags/evaluation.ts';
import { Flags, FLAGS_MAX, type FlagWrite } from '../../src/flags/flags.ts';
import type { Journal, NewEntry } from '../../src/journal/journal.ts';
import { MAX_APPEND_ENTRIES } from '../../src/journal/journal.ts';
import { openConfigStore } from '../../src/live/config-store.ts';
import { bytes, codeOf, tempDirectory } from '../journal/fixtures.ts';
import { COLOURS, FEATURES, ON_OFF, STAFF } from './fixtures.ts';

const ANN: FlagWrite = { actor: 'ann', isFeature: (name) => FEATURES.has(name) };
const WITH_STAFF = { definition: { ...COLOURS, targeting: { if: [{ $ref: 'staff' }, 'blue'] } } };

interface Opened {
  readonly flags: Flags;
  readonly journal: Journal;
  readonly path: string;
}

async function open(path = join(tempDirectory(), 'config.db')): Promise<Opened> {
  const store = await openConfigStore(path);
  onTestFinished(async () => await store.close());
  return { flags: new Flags(store.journal, () => store.head()), journal: store.journal, path };
}

type Place = [flags: Flags, config: string, key: string];

async function put(...[flags, config, key, input, write = ANN]: [...Place, unknown, FlagWrite?]) {
  return (await flags.change(config, key, { kind: 'put', input }, write))!;
}

async function patch(...[flags, config, key, input, write = ANN]: [...Place, unknown, FlagWrite?]) {
  return (await flags.change(config, key, { kind: 'patch', input }, write))!;
}

async function archive(...[flags, config, key, at, write = ANN]: [...Place, number, FlagWrite?]) {
  return (await flags.change(config, key, { kind: 'archive', at }, write))!;
}

async function restore(...[flags, config, key, write = ANN]: [...Place, FlagWrite?]) {
  return (await flags.change(config, key, { kind: 'restore' }, write))!;
}

async function remove(...[flags, config, key, write = ANN]: [...Place, FlagWrite?]): Promise<void> {
  expect(await flags.change(config, key, { kind: 'delete' }, write)).toBeNull();
}

async function sourceOf(flags: Flags, config: string): Promise<FlagSource> {
  return await flags.sourceOf(config, { features: FEATURES, config: DEFAULT_CONFIG, rollouts: noRollouts() });
}

async function keysOf(flags: Flags, config: string): Promise<readonly string[]> {
  return (await flags.all(config)).map(({ key }) => key);
}

describe('a flag', () => {
  it('is put, found, patched, archived, restored and deleted', async () => {
    const { flags, journal } = await open();
    const input = { definition: COLOURS, owner: 'shop', tags: ['a'], clientVisible: true };
    const made = await put(flags, 'shop/production', 'banner', input, { ...ANN, reason: 'new', expected: 0 });
    expect(made).toMatchObject({
      key: 'banner',
      revision: 1,
      modifiedBy: 'ann',
      value: { ...input, archivedAt: null },
    });
    expect(await flags.get('shop/production', 'banner')).toEqual(made);
    const said = { definition: { state: 'DISABLED', defaultVariant: null }, owner: 'mail' };
    const patched = await patch(flags, 'shop/production', 'banner', said);
    const definition = { state: 'DISABLED', variants: COLOURS.variants };
    expect(patched.value).toEqual({ ...made.value, owner: 'mail', definition });
    expect((await archive(flags, 'shop/production', 'banner', 5)).value.archivedAt).toBe(5);
    expect((await archive(flags, 'shop/production', 'banner', 9)).value.archivedAt, 'since it was first').toBe(5);
    const replaced = await put(flags, 'shop/production', 'banner', { definition: ON_OFF });
    expect(replaced.value, 'stays in the archive').toMatchObject({ definition: ON_OFF, owner: null, archivedAt: 5 });
    expect((await restore(flags, 'shop/production', 'banner')).value.archivedAt).toBeNull();
    await remove(flags, 'shop/production', 'banner');
    expect(await flags.find('shop/production', 'banner')).toBeNull();
    expect(await codeOf(flags.get('shop/production', 'banner'))).toBe('ERR_NOT_FOUND');
    const { entries } = await journal.read({ stream: 'flag:shop/production/banner', limit: 100, order: 'asc' });
    expect(entries.map(({ type }) => type)).toEqual([...Array.from({ length: 6 }, () => 'flag.put'), 'flag.delete']);
  });

  it('belongs to one config, whatever others are called', async () => {
    const { flags } = await open();
    for (const config of ['shop', 'shop/a', 'shop/b', 'shop/b-c', 'shopper']) {
      await put(flags, config, 'x', { definition: ON_OFF });
      await put(flags, config, `of-${config.replace('/', '.')}`, { definition: ON_OFF });
    }
    await put(flags, 'shop', 'zz', { definition: ON_OFF });
    await put(flags, 'shop', 'a', { definition: ON_OFF });
    expect(await keysOf(flags, 'shop')).toEqual(['a', 'of-shop', 'x', 'zz']);
    expect(await keysOf(flags, 'shop/b')).toEqual(['of-shop.b', 'x']);
    expect(await keysOf(flags, 'nowhere')).toEqual([]);
    expect(await flags.find('shop', 'b/x'), 'a flag of another config').toBeNull();
    expect((await flags.everywhere()).map(({ key }) => key)).toContain('shop/b-c/x');
    expect(await codeOf(put(flags, 'Shop', 'x', { definition: ON_OFF }))).toBe('ERR_NAME');
  });

  it('is listed with all others by its key, also when it is archived', async () => {
    const { flags } = await open();
    for (const key of ['c', 'B', 'a', 'd']) await put(flags, 'shop', key, { definition: ON_OFF });
    await archive(flags, 'shop', 'c', 1);
    expect(await keysOf(flags, 'shop')).toEqual(['B', 'a', 'c', 'd']);
  });

  it.each<[string, (flags: Flags) => Promise<unknown>, string]>([
    [
      'a broken definition',
      (flags) => put(flags, 'shop', 'new', { definition: { state: 'ENABLED' } }),
      'ERR_FLAG_INVALID',
    ],
    ['no definition', (flags) => put(flags, 'shop', 'new', { owner: 'ann' }), 'ERR_FLAG_INVALID'],
    ['no object', (flags) => put(flags, 'shop', 'new', null), 'ERR_WRONG_TYPE'],
    [
      'an unknown field',
      (flags) => put(flags, 'shop', 'new', { definition: ON_OFF, archivedAt: 1 }),
      'ERR_UNKNOWN_FIELD',
    ],
    ['a wrong fact', (flags) => put(flags, 'shop', 'new', { definition: ON_OFF, owner: 5 }), 'ERR_WRONG_TYPE'],
    ['a key with a slash', (flags) => put(flags, 'shop', 'a/b', { definition: ON_OFF }), 'ERR_FLAG_INVALID'],
    ['a reserved key', (flags) => put(flags, 'shop', '__proto__', { definition: ON_OFF }), 'ERR_FLAG_INVALID'],
    ['texts for a feature', (flags) => put(flags, 'shop', 'new_checkout', { definition: COLOURS }), 'ERR_FLAG_INVALID'],
    [
      'an evaluator that is not there',
      (flags) => put(flags, 'shop', 'new', { definition: { ...COLOURS, targeting: { $ref: 'x' } } }),
      'ERR_FLAG_INVALID',
    ],
    [
      'a patch that breaks it',
      (flags) => patch(flags, 'shop', 'banner', { definition: { defaultVariant: 'x' } }),
      'ERR_FLAG_INVALID',
    ],
    ['a patch of no object', (flags) => patch(flags, 'shop', 'banner', { definition: 5 }), 'ERR_WRONG_TYPE'],
    ['a patch of nothing', (flags) => patch(flags, 'shop', 'none', {}), 'ERR_NOT_FOUND'],
    ['an archive of nothing', (flags) => archive(flags, 'shop', 'none', 1), 'ERR_NOT_FOUND'],
    ['a restore of nothing', (flags) => restore(flags, 'shop', 'none'), 'ERR_NOT_FOUND'],
    ['a deletion of nothing', (flags) => remove(flags, 'shop', 'none'), 'ERR_NOT_FOUND'],
    [
      'another revision',
      (flags) => patch(flags, 'shop', 'banner', {}, { ...ANN, expected: 7 }),
      'ERR_REVISION_CONFLICT',
    ],
    [
      'one that is new',
      (flags) => put(flags, 'shop', 'banner', { definition: ON_OFF }, { ...ANN, expected: 0 }),
      'ERR_REVISION_CONFLICT',
    ],
    ['a set that breaks a flag', (flags) => flags.putSet('shop', { evaluators: {} }, ANN), 'ERR_FLAG_INVALID'],
    [
      'a set with a circle',
      (flags) => flags.putSet('shop', { evaluators: { a: { $ref: 'a' } } }, ANN),
      'ERR_FLAG_INVALID',
    ],
    ['facts of a bad name', (flags) => flags.putFacts('shop', 'a/b', {}, ANN), 'ERR_FEATURE_NAME'],
    ['wrong facts', (flags) => flags.putFacts('shop', 'debug', { tags: 1 }, ANN), 'ERR_WRONG_TYPE'],
  ])('is refused as %s, and the journal has not moved', async (_, write, code) => {
    const { flags, journal } = await open();
    await flags.putSet('shop', { evaluators: { staff: STAFF } }, ANN);
    await put(flags, 'shop', 'banner', WITH_STAFF);
    const head = await journal.head();
    expect(await codeOf(write(flags))).toBe(code);
    expect(await journal.head()).toEqual(head);
  });

  it('that is boolean may have the name of a feature, and cannot stop being so', async () => {
    const { flags } = await open();
    await put(flags, 'shop', 'debug', { definition: ON_OFF });
    const said = { definition: { variants: COLOURS.variants, defaultVariant: 'red' } };
    expect(await codeOf(patch(flags, 'shop', 'debug', said))).toBe('ERR_FLAG_INVALID');
    await put(flags, 'shop', 'late', { definition: COLOURS });
    await archive(flags, 'shop', 'late', 1, { ...ANN, isFeature: () => true });
    expect(await codeOf(restore(flags, 'shop', 'late', { ...ANN, isFeature: () => true }))).toBe('ERR_FLAG_INVALID');
  });

  it('changed by many at once loses no change', async () => {
    const { flags } = await open();
    await put(flags, 'shop', 'banner', { definition: COLOURS });
    const patches = [
      { owner: 'ann' },
      { description: 'd' },
      { tags: ['t'] },
      { clientVisible: true },
      { expiresAt: 1 },
    ];
    await Promise.all(patches.map(async (said) => await patch(flags, 'shop', 'banner', said)));
    expect((await flags.get('shop', 'banner')).value).toMatchObject(Object.assign({}, ...patches));
  });

  it('is refused where all flags of its config would take too long together, until one is archived', async () => {
    const { flags, journal } = await open();
    const dear = { none: [{ var: 'a' }, { none: [{ var: '../../b' }, { '===': [{ var: '' }, 9] }] }] };
    const definition = { ...ON_OFF, targeting: { if: [{ $ref: 'dear' }, 'on', 'off'] } };
    await flags.putSet('shop', { evaluators: { dear } }, ANN);
    let count = 0;
    while (count < 100 && (await codeOf(put(flags, 'shop', `k${count}`, { definition }))) === 'none') count++;
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(100);
    const head = await journal.head();
    const refused = { code: 'ERR_FLAG_INVALID', details: { flag: 'more', path: '/targeting' } };
    await expect(put(flags, 'shop', 'more', { definition })).rejects.toMatchObject(refused);
    const both = { evaluators: { dear: { or: [dear, { '>': [{ var: 'age' }, 18] }] } } };
    expect(await codeOf(flags.putSet('shop', both, ANN))).toBe('none');
    const dearer = { evaluators: { dear: { and: [{ some: [{ var: 'c' }, { '<': [{ var: '' }, 1] }] }, dear] } } };
    expect(await codeOf(flags.putSet('shop', dearer, ANN)), 'flags that are there count as well').toBe(
      'ERR_FLAG_INVALID',
    );
    expect((await journal.head()).seq).toBe(head.seq + 1);
    await patch(flags, 'shop', 'k0', { owner: 'shop' });
    await put(flags, 'shop', 'cheap', { definition: ON_OFF });
    await archive(flags, 'shop', 'k0', 1);
    expect(await codeOf(put(flags, 'shop', 'more', { definition }))).toBe('none');
    expect(await codeOf(restore(flags, 'shop', 'k0'))).toBe('ERR_FLAG_INVALID');
  });

  it('is one of so many at most', async () => {
    const { flags, journal } = await open();
    const body = bytes(JSON.stringify({ format: 1, value: { definition: ON_OFF } }));
    for (let from = 0; from < FLAGS_MAX; from += MAX_APPEND_ENTRIES) {
      const entries = Array.from({ length: MAX_APPEND_ENTRIES }, (_, i): NewEntry => {
        return { stream: `flag:shop/k${from + i}`, type: 'flag.put', actor: 'ann', reason: '', body, expected: 0 };
      });
      await journal.append(entries);
    }
    expect(await codeOf(put(flags, 'shop', 'one-more', { definition: ON_OFF }))).toBe('ERR_FLAG_INVALID');
    expect(await put(flags, 'shop', 'k7', { definition: COLOURS })).toMatchObject({ revision: 2 });
    await remove(flags, 'shop', 'k8');
    expect(await put(flags, 'shop', 'one-more', { definition: ON_OFF })).toMatchObject({ revision: 1 });
    expect((await flags.all('shop')).length).toBe(FLAGS_MAX);
  });
});

describe('what the flags of a config share', () => {
  it('may be taken away once nobody in use needs it', async () => {
    const { flags } = await open();
    expect(await flags.findSet('shop')).toBeNull();
    const made = await flags.putSet('shop', { evaluators: { staff: STAFF } }, ANN);
    expect(await flags.findSet('shop')).toEqual(made);
    await put(flags, 'shop', 'banner', WITH_STAFF);
    await expect(flags.putSet('shop', {}, ANN)).rejects.toMatchObject({
      details: { flag: 'banner', path: '/targeting/if/0' },
    });
    await archive(flags, 'shop', 'banner', 1);
    await flags.putSet('shop', {}, ANN);
    expect(await codeOf(restore(flags, 'shop', 'banner'))).toBe('ERR_FLAG_INVALID');
  });

  it('taken away while a flag begins to need it, breaks that flag alone, until it is there again', async () => {
    const { flags, journal } = await open();
    await flags.putSet('shop', { evaluators: { staff: STAFF } }, ANN);
    await put(flags, 'shop', 'other', { definition: COLOURS });
    const [taken, begun] = [
      await flags.setEntryOf('shop', {}, ANN),
      await flags.entryOf('shop', 'banner', { kind: 'put', input: WITH_STAFF }, ANN),
    ];
    await journal.append([taken]);
    await journal.append([begun]);
    const ask = async (key: string) => compileFlags(await sourceOf(flags, 'shop')).evaluate(key, {}, 'all');
    expect(await ask('banner')).toMatchObject({ errorCode: 'PARSE_ERROR' });
    expect(await ask('other')).toMatchObject({ reason: 'STATIC' });
    await flags.putSet('shop', { evaluators: { staff: STAFF } }, ANN);
    expect(await ask('banner')).toMatchObject({ reason: 'DEFAULT' });
  });
});

describe('changes that are planned', () => {
  it('are shown, and made by one append of their entries', async () => {
    const { flags, journal } = await open();
    await put(flags, 'shop', 'old', { definition: ON_OFF });
    const { before, after } = await flags.plan('shop', 'old', { kind: 'patch', input: { owner: 'x' } }, ANN);
    expect([before!.value.owner, after!.owner]).toEqual([null, 'x']);
    expect(await flags.plan('shop', 'old', { kind: 'delete' }, ANN)).toMatchObject({ after: null });
    const entries = [
      await flags.setEntryOf('shop', { metadata: { v: 1 } }, ANN),
      await flags.entryOf('shop', 'old', { kind: 'delete' }, ANN),
      await flags.entryOf('shop', 'new', { kind: 'put', input: { definition: COLOURS } }, ANN),
    ];
    await journal.append(entries);
    expect(await keysOf(flags, 'shop')).toEqual(['new']);
    expect((await flags.findSet('shop'))!.value.metadata).toEqual({ v: 1 });
    expect(await codeOf(journal.append(entries)), 'once').toBe('ERR_REVISION_CONFLICT');
  });
});

describe('facts of features', () => {
  it('are said of the features of a service, in all its environments', async () => {
    const { flags } = await open();
    await flags.putFacts('shop/production', 'debug', { owner: 'ann' }, ANN);
    const said = await flags.putFacts('shop', 'debug', { clientVisible: true }, { ...ANN, expected: 1 });
    expect(said).toMatchObject({ key: 'debug', revision: 2, value: { owner: 'ann', clientVisible: true } });
    expect(await flags.findFacts('shop/staging', 'debug')).toEqual(said);
    expect(await flags.findFacts('mail', 'debug')).toBeNull();
    expect(await flags.facts('shop/staging')).toEqual(new Map([['debug', said.value]]));
    expect((await sourceOf(flags, 'shop/staging')).facts.get('debug')).toEqual(said.value);
  });

  it('are all kept when many say them at once', async () => {
    const { flags } = await open();
    const said = [{ owner: 'ann' }, { description: 'd' }, { tags: ['t'] }, { clientVisible: true }, { expiresAt: 1 }];
    await Promise.all(said.map(async (facts) => await flags.putFacts('shop', 'debug', facts, ANN)));
    expect((await flags.facts('shop')).get('debug')).toEqual(Object.assign({}, ...said));
  });
});

describe('what is held in memory', () => {
  it('follows this process and others, and keeps what has not changed', async () => {
    const { flags, path } = await open();
    const other = await open(path);
    for (const key of ['a', 'b']) await put(flags, 'shop', key, { definition: ON_OFF });
    const first = await sourceOf(flags, 'shop');
    const asked = async (): Promise<FlagSource> => await sourceOf(flags, 'shop');
    expect(await asked()).toMatchObject({ flags: first.flags });
    await put(other.flags, 'shop', 'b', { definition: COLOURS });
    await put(other.flags, 'shop', 'c', { definition: ON_OFF });
    const second = await asked();
    expect([...second.flags.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(second.flags.get('a'), 'the same object').toBe(first.flags.get('a'));
    expect(first.flags.get('b')!.definition, 'what was handed out stays').toEqual(ON_OFF);
    expect(compileFlags(second).evaluate('b', {}, 'all')).toMatchObject({ value: 'r' });
    await remove(other.flags, 'shop', 'a');
    await other.flags.putSet('shop', { metadata: { v: 1 } }, ANN);
    await other.flags.putFacts('shop', 'debug', { clientVisible: true }, ANN);
    const third = await asked();
    expect([...third.flags.keys()].sort()).toEqual(['b', 'c']);
    expect(third.set.metadata).toEqual({ v: 1 });
    expect(third.facts.get('debug')).toMatchObject({ clientVisible: true });
    expect(third.flags.get('c')).toBe(second.flags.get('c'));
  });

  it('is not read again while the journal has not moved, and reads what is new when it has', async () => {
    const { journal } = await open();
    let reads = 0;
    const counted: Journal = Object.create(journal, {
      query: { value: (...asked: Parameters<Journal['query']>) => (reads++, journal.query(...asked)) },
      read: { value: (...asked: Parameters<Journal['read']>) => (reads++, journal.read(...asked)) },
      append: { value: (...given: Parameters<Journal['append']>) => journal.append(...given) },
      streamHead: { value: (stream: string) => journal.streamHead(stream) },
    });
    let head = 0;
    journal.onAppend((entries) => (head = entries.at(-1)!.seq));
    const flags = new Flags(counted, () => head);
    await put(flags, 'shop', 'a', { definition: ON_OFF });
    await sourceOf(flags, 'shop');
    reads = 0;
    await Promise.all([sourceOf(flags, 'shop'), sourceOf(flags, 'shop')]);
    expect(reads).toBe(0);
    await journal.append([{ stream: 'x:y', type: 'x.y', actor: 'ann', reason: '', body: bytes(''), expected: 0 }]);
    await Promise.all([sourceOf(flags, 'shop'), sourceOf(flags, 'shop')]);
    expect(reads, 'what has moved').toBe(1);
  });

  it('is dropped when it is far behind', async () => {
    const { flags, journal, path } = await open();
    await put(flags, 'shop', 'a', { definition: ON_OFF });
    await sourceOf(flags, 'shop');
    const other = await open(path);
    for (let from = 0; from < 11_000; from += MAX_APPEND_ENTRIES) {
      const entries = Array.from({ length: MAX_APPEND_ENTRIES }, (_, i): NewEntry => {
        return { stream: `x:${from + i}`, type: 'x.y', actor: 'ann', reason: '', body: bytes(''), expected: 0 };
      });
      await journal.append(entries);
    }
    await put(other.flags, 'shop', 'b', { definition: ON_OFF });
    expect([...(await sourceOf(flags, 'shop')).flags.keys()]).toEqual(['a', 'b']);
  });
});
