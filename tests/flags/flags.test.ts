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

async function sourceOf(flags: Flags, config: string): Promise<FlagSource> {
  return await flags.sourceOf(config, { features: FEATURES, config: DEFAULT_CONFIG, rollouts: noRollouts() });
}

async function keysOf(flags: Flags, config: string): Promise<readonly string[]> {
  return (await flags.list(config)).map(({ key }) => key);
}

describe('a flag', () => {
  it('is put, found, patched, archived, restored and deleted', async () => {
    const { flags, journal } = await open();
    const input = { definition: COLOURS, owner: 'shop', tags: ['a'], clientVisible: true };
    const made = await flags.put('shop/production', 'banner', input, { ...ANN, reason: 'new', expected: 0 });
    expect(made).toMatchObject({
      key: 'banner',
      revision: 1,
      modifiedBy: 'ann',
      value: { ...input, archivedAt: null },
    });
    expect(await flags.get('shop/production', 'banner')).toEqual(made);
    const patch = { definition: { state: 'DISABLED', defaultVariant: null }, owner: 'mail' };
    const patched = await flags.patch('shop/production', 'banner', patch, ANN);
    const definition = { state: 'DISABLED', variants: COLOURS.variants };
    expect(patched.value).toEqual({ ...made.value, owner: 'mail', definition });
    expect((await flags.archive('shop/production', 'banner', ANN, 5)).value.archivedAt).toBe(5);
    expect((await flags.archive('shop/production', 'banner', ANN, 9)).value.archivedAt, 'since it was first').toBe(5);
    const replaced = await flags.put('shop/production', 'banner', { definition: ON_OFF }, ANN);
    expect(replaced.value, 'stays in the archive').toMatchObject({ definition: ON_OFF, owner: null, archivedAt: 5 });
    expect((await flags.restore('shop/production', 'banner', ANN)).value.archivedAt).toBeNull();
    await flags.delete('shop/production', 'banner', ANN);
    expect(await flags.find('shop/production', 'banner')).toBeNull();
    expect(await codeOf(flags.get('shop/production', 'banner'))).toBe('ERR_NOT_FOUND');
    const { entries } = await journal.read({ stream: 'flag:shop/production/banner', limit: 100, order: 'asc' });
    expect(entries.map(({ type }) => type)).toEqual([...Array.from({ length: 6 }, () => 'flag.put'), 'flag.delete']);
  });

  it('belongs to one config, whatever others are called', async () => {
    const { flags } = await open();
    for (const config of ['shop', 'shop/a', 'shop/b', 'shop/b-c', 'shopper']) {
      await flags.put(config, 'x', { definition: ON_OFF }, ANN);
      await flags.put(config, `of-${config.replace('/', '.')}`, { definition: ON_OFF }, ANN);
    }
    await flags.put('shop', 'zz', { definition: ON_OFF }, ANN);
    await flags.put('shop', 'a', { definition: ON_OFF }, ANN);
    expect(await keysOf(flags, 'shop')).toEqual(['a', 'of-shop', 'x', 'zz']);
    expect(await keysOf(flags, 'shop/b')).toEqual(['of-shop.b', 'x']);
    expect(await keysOf(flags, 'nowhere')).toEqual([]);
    expect(await flags.find('shop', 'b/x'), 'a flag of another config').toBeNull();
    expect((await flags.everywhere()).map(({ key }) => key)).toContain('shop/b-c/x');
    expect(await codeOf(flags.put('Shop', 'x', { definition: ON_OFF }, ANN))).toBe('ERR_NAME');
  });

  it('is listed in pages, in use or archived', async () => {
    const { flags } = await open();
    for (const key of ['c', 'B', 'a', 'd']) await flags.put('shop', key, { definition: ON_OFF }, ANN);
    await flags.archive('shop', 'c', ANN, 1);
    expect(await keysOf(flags, 'shop')).toEqual(['B', 'a', 'c', 'd']);
    const page = async (query: object): Promise<string[]> => (await flags.list('shop', query)).map(({ key }) => key);
    expect(await page({ isArchived: false, limit: 2 })).toEqual(['B', 'a']);
    expect(await page({ isArchived: false, after: 'a' })).toEqual(['d']);
    expect(await page({ isArchived: true })).toEqual(['c']);
  });

  it.each<[string, (flags: Flags) => Promise<unknown>, string]>([
    [
      'a broken definition',
      (flags) => flags.put('shop', 'new', { definition: { state: 'ENABLED' } }, ANN),
      'ERR_FLAG_INVALID',
    ],
    ['no definition', (flags) => flags.put('shop', 'new', { owner: 'ann' }, ANN), 'ERR_FLAG_INVALID'],
    ['no object', (flags) => flags.put('shop', 'new', null, ANN), 'ERR_WRONG_TYPE'],
    [
      'an unknown field',
      (flags) => flags.put('shop', 'new', { definition: ON_OFF, archivedAt: 1 }, ANN),
      'ERR_UNKNOWN_FIELD',
    ],
    ['a wrong fact', (flags) => flags.put('shop', 'new', { definition: ON_OFF, owner: 5 }, ANN), 'ERR_WRONG_TYPE'],
    ['a key with a slash', (flags) => flags.put('shop', 'a/b', { definition: ON_OFF }, ANN), 'ERR_FLAG_INVALID'],
    ['a reserved key', (flags) => flags.put('shop', '__proto__', { definition: ON_OFF }, ANN), 'ERR_FLAG_INVALID'],
    [
      'texts for a feature',
      (flags) => flags.put('shop', 'new_checkout', { definition: COLOURS }, ANN),
      'ERR_FLAG_INVALID',
    ],
    [
      'an evaluator that is not there',
      (flags) => flags.put('shop', 'new', { definition: { ...COLOURS, targeting: { $ref: 'x' } } }, ANN),
      'ERR_FLAG_INVALID',
    ],
    [
      'a patch that breaks it',
      (flags) => flags.patch('shop', 'banner', { definition: { defaultVariant: 'x' } }, ANN),
      'ERR_FLAG_INVALID',
    ],
    ['a patch of no object', (flags) => flags.patch('shop', 'banner', { definition: 5 }, ANN), 'ERR_WRONG_TYPE'],
    ['a patch of nothing', (flags) => flags.patch('shop', 'none', {}, ANN), 'ERR_NOT_FOUND'],
    ['an archive of nothing', (flags) => flags.archive('shop', 'none', ANN, 1), 'ERR_NOT_FOUND'],
    ['a restore of nothing', (flags) => flags.restore('shop', 'none', ANN), 'ERR_NOT_FOUND'],
    ['a deletion of nothing', (flags) => flags.delete('shop', 'none', ANN), 'ERR_NOT_FOUND'],
    [
      'another revision',
      (flags) => flags.patch('shop', 'banner', {}, { ...ANN, expected: 7 }),
      'ERR_REVISION_CONFLICT',
    ],
    [
      'one that is new',
      (flags) => flags.put('shop', 'banner', { definition: ON_OFF }, { ...ANN, expected: 0 }),
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
    await flags.put('shop', 'banner', WITH_STAFF, ANN);
    const head = await journal.head();
    expect(await codeOf(write(flags))).toBe(code);
    expect(await journal.head()).toEqual(head);
  });

  it('that is boolean may have the name of a feature, and cannot stop being so', async () => {
    const { flags } = await open();
    await flags.put('shop', 'debug', { definition: ON_OFF }, ANN);
    const patch = { definition: { variants: COLOURS.variants, defaultVariant: 'red' } };
    expect(await codeOf(flags.patch('shop', 'debug', patch, ANN))).toBe('ERR_FLAG_INVALID');
    await flags.put('shop', 'late', { definition: COLOURS }, ANN);
    await flags.archive('shop', 'late', { ...ANN, isFeature: () => true }, 1);
    expect(await codeOf(flags.restore('shop', 'late', { ...ANN, isFeature: () => true }))).toBe('ERR_FLAG_INVALID');
  });

  it('changed by many at once loses no change', async () => {
    const { flags } = await open();
    await flags.put('shop', 'banner', { definition: COLOURS }, ANN);
    const patches = [
      { owner: 'ann' },
      { description: 'd' },
      { tags: ['t'] },
      { clientVisible: true },
      { expiresAt: 1 },
    ];
    await Promise.all(patches.map(async (patch) => await flags.patch('shop', 'banner', patch, ANN)));
    expect((await flags.get('shop', 'banner')).value).toMatchObject(Object.assign({}, ...patches));
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
    expect(await codeOf(flags.put('shop', 'one-more', { definition: ON_OFF }, ANN))).toBe('ERR_FLAG_INVALID');
    expect(await flags.put('shop', 'k7', { definition: COLOURS }, ANN)).toMatchObject({ revision: 2 });
    await flags.delete('shop', 'k8', ANN);
    expect(await flags.put('shop', 'one-more', { definition: ON_OFF }, ANN)).toMatchObject({ revision: 1 });
    expect((await flags.all('shop')).length).toBe(FLAGS_MAX);
  });
});

describe('what the flags of a config share', () => {
  it('may be taken away once nobody in use needs it', async () => {
    const { flags } = await open();
    expect(await flags.findSet('shop')).toBeNull();
    const made = await flags.putSet('shop', { evaluators: { staff: STAFF } }, ANN);
    expect(await flags.findSet('shop')).toEqual(made);
    await flags.put('shop', 'banner', WITH_STAFF, ANN);
    await expect(flags.putSet('shop', {}, ANN)).rejects.toMatchObject({
      details: { flag: 'banner', path: '/targeting/if/0' },
    });
    await flags.archive('shop', 'banner', ANN, 1);
    await flags.putSet('shop', {}, ANN);
    expect(await codeOf(flags.restore('shop', 'banner', ANN))).toBe('ERR_FLAG_INVALID');
  });
});

describe('changes that are planned', () => {
  it('are shown, and made by one append of their entries', async () => {
    const { flags, journal } = await open();
    await flags.put('shop', 'old', { definition: ON_OFF }, ANN);
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
    for (const key of ['a', 'b']) await flags.put('shop', key, { definition: ON_OFF }, ANN);
    const first = await sourceOf(flags, 'shop');
    const asked = async (): Promise<FlagSource> => await sourceOf(flags, 'shop');
    expect(await asked()).toMatchObject({ flags: first.flags });
    await other.flags.put('shop', 'b', { definition: COLOURS }, ANN);
    await other.flags.put('shop', 'c', { definition: ON_OFF }, ANN);
    const second = await asked();
    expect([...second.flags.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(second.flags.get('a'), 'the same object').toBe(first.flags.get('a'));
    expect(first.flags.get('b')!.definition, 'what was handed out stays').toEqual(ON_OFF);
    expect(compileFlags(second).evaluate('b', {}, 'all')).toMatchObject({ value: 'r' });
    await other.flags.delete('shop', 'a', ANN);
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
    await flags.put('shop', 'a', { definition: ON_OFF }, ANN);
    await sourceOf(flags, 'shop');
    reads = 0;
    await Promise.all([sourceOf(flags, 'shop'), sourceOf(flags, 'shop')]);
    expect(reads).toBe(0);
    await journal.append([{ stream: 'x:y', type: 'x.y', actor: 'ann', reason: '', body: bytes(''), expected: 0 }]);
    await Promise.all([sourceOf(flags, 'shop'), sourceOf(flags, 'shop')]);
    expect(reads, 'what has moved, by kind of stream').toBe(3);
  });

  it('is dropped when it is far behind', async () => {
    const { flags, journal, path } = await open();
    await flags.put('shop', 'a', { definition: ON_OFF }, ANN);
    await sourceOf(flags, 'shop');
    const other = await open(path);
    for (let from = 0; from < 11_000; from += MAX_APPEND_ENTRIES) {
      const entries = Array.from({ length: MAX_APPEND_ENTRIES }, (_, i): NewEntry => {
        return { stream: `x:${from + i}`, type: 'x.y', actor: 'ann', reason: '', body: bytes(''), expected: 0 };
      });
      await journal.append(entries);
    }
    await other.flags.put('shop', 'b', { definition: ON_OFF }, ANN);
    expect([...(await sourceOf(flags, 'shop')).flags.keys()]).toEqual(['a', 'b']);
  });
});
