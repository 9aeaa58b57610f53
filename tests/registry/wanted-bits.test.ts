/**
 * A flag that this version cannot read keeps its bit as it is, and keeps nobody else from anything: not the other flags
 * of its config, and not those who follow the journal after it.
 * @module
 */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { Flags } from '../../src/flags/flags.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import { BoundFeatures } from '../../src/registry/bound-features.ts';
import { JournalFollower } from '../../src/registry/journal-follower.ts';
import { WantedBits } from '../../src/registry/wanted-bits.ts';
import { bytes, codeOf, tempDirectory } from '../journal/fixtures.ts';

const WRITE = { actor: 'ann' };
const STORED = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' };
const BROKEN: readonly [string, unknown][] = [
  ['a definition of another shape', { isBound: true, definition: 'moved' }],
  ['targeting that is nothing', { isBound: true, definition: { ...STORED, targeting: null } }],
  ['no object', 7],
];

async function open(directory = join(tempDirectory(), 'data')) {
  const { operations } = await bootstrap(directory);
  onTestFinished(() => operations.store.close());
  const { journal } = operations.store;
  const failures: string[] = [];
  const onFailure = (failure: string): void => void failures.push(failure);
  const flags = new Flags(journal, () => operations.store.head());
  const bound = new BoundFeatures({ operations, flags, onFailure });
  const { seq: seen } = await journal.head();
  const follower = new JournalFollower({ journal, seen, head: () => operations.store.head(), onFailure });
  onTestFinished(() => follower.close());
  onTestFinished(() => bound.close());
  const told: string[] = [];
  follower.add(bound);
  follower.add({ follow: (entries) => void told.push(...entries.map(({ stream }) => stream)), forget() {} });
  await bound.load();
  operations.guardWith((stream, touched) => bound.check(stream, touched));
  const put = async (key: string, value: unknown): Promise<void> => {
    const stream = `flag:shop/${key}`;
    const body = bytes(JSON.stringify({ format: 1, value }));
    const expected = await journal.streamHead(stream);
    await journal.append([{ stream, type: 'flag.put', actor: 'ann', reason: '', body, expected }]);
    await bound.look();
  };
  const enabled = async (): Promise<readonly string[]> => (await operations.get('shop')).features.enabled.toSorted();
  return { directory, operations, bound, failures, told, put, enabled };
}

describe('a flag that cannot be read', () => {
  it.each(BROKEN)('as %s, keeps its bit as it is, and no other', async (_, value) => {
    const { directory, operations, failures, told, put, enabled } = await open();
    await operations.set('shop', { features: { metrics: true } }, WRITE);
    await put('metrics', value);
    await put('debug', { isBound: true, definition: STORED });
    expect([await enabled(), told.includes('flag:shop/debug')]).toEqual([['debug', 'metrics'], true]);
    expect(failures).toEqual([expect.stringContaining("the flag 'metrics' of shop cannot be read")]);
    const write = operations.set('shop', { features: { metrics: false } }, { ...WRITE, permit() {} });
    expect(await codeOf(write), 'it is for the flag to say').toBe('ERR_FORBIDDEN');

    const later = await open(directory);
    expect(later.failures).toEqual(failures);
    await later.put('debug', { isBound: true, definition: { ...STORED, defaultVariant: 'off' } });
    expect(await later.enabled()).toEqual(['metrics']);
    await later.put('metrics', { isBound: true, definition: { ...STORED, state: 'DISABLED' } });
    expect([await later.enabled(), later.failures.length]).toEqual([[], 1]);
  });
});

function entryOf(stream: string, type: string, body: Uint8Array | null): Entry {
  const hash = '0'.repeat(64);
  return { seq: 1, at: 1, actor: 'ann', reason: '', stream, revision: 2, type, body, prevHash: hash, hash };
}

describe('what flags want', () => {
  it('is known of those that can be read', () => {
    const unread: string[] = [];
    const wanted = new WantedBits((config, key) => void unread.push(`${config} ${key}`));
    wanted.replace([
      { key: 'shop/a/x', value: { isBound: true, definition: STORED } },
      { key: 'shop/a/y', value: { definition: 5 } },
      { key: 'shop/z', value: { isBound: true, definition: { ...STORED, variants: { on: 'text' } } } },
      { key: 'shop/later', value: { definition: STORED } },
    ]);
    expect([...wanted.configs]).toEqual(['shop/a']);
    expect([...wanted.of('shop/a')]).toEqual([['x', true]]);
    expect(['x', 'y', 'z'].map((key) => wanted.binds('shop/a', key))).toEqual([true, true, false]);
    expect(unread).toEqual(['shop/a y']);
  });

  it('is looked at again in all configs of a service, whatever else is in the journal', () => {
    const wanted = new WantedBits(expect.unreachable);
    const places = ['shop/x', 'shop/a/x', 'shopper/x', 'No Name/x'];
    wanted.replace(places.map((key) => ({ key, value: { isBound: true, definition: STORED } })));
    expect(wanted.learn(entryOf('features:shop', 'features.declare', null))).toEqual(['shop', 'shop/a']);
    expect(wanted.learn(entryOf('config:shopper', 'config.put', null))).toEqual(['shopper']);
    expect(wanted.learn(entryOf('user:ann', 'user.put', null))).toEqual([]);
  });

  it.each([
    ['erased', 'flag.put', null],
    ['deleted', 'flag.delete', new Uint8Array(0)],
  ])('is nothing, of one that is %s', (_, type, body) => {
    const wanted = new WantedBits(expect.unreachable);
    wanted.replace([{ key: 'shop/x', value: { isBound: true, definition: STORED } }]);
    expect(wanted.learn(entryOf('flag:shop/x', type, body))).toEqual(['shop']);
    expect([...wanted.configs]).toEqual([]);
  });
});
