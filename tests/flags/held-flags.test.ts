/**
 * What is held in memory of flags is what the journal says, after entries are erased and after some that cannot be
 * read: the one config they are of has no answers then, and all others have theirs.
 * @module
 */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storedFacts, storedFlag, storedSet } from '../../src/flags/flag-input.ts';
import { HeldFlags } from '../../src/flags/held-flags.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { Resources, resourcesProjection } from '../../src/journal/resources.ts';
import { bytes, codeOf, tempDirectory } from '../journal/fixtures.ts';
import { COLOURS, ON_OFF } from './fixtures.ts';

const ANN = { actor: 'ann', reason: '' };

interface House {
  readonly journal: Journal;
  readonly held: HeldFlags;
  readonly put: (kind: string, key: string, value: unknown) => Promise<number>;
  /** What is held of a config: its flags' keys, and what they share. */
  readonly keys: (config: string) => Promise<readonly string[]>;
}

function open(): House {
  const path = join(tempDirectory(), 'journal.db');
  const journal = openLocalJournal({ path, projections: [resourcesProjection] });
  onTestFinished(() => journal.close());
  let head = 0;
  journal.onAppend((entries) => void (head = entries.at(-1)!.seq));
  const flags = new Resources(journal, 'flag', storedFlag);
  const sets = new Resources(journal, 'flagset', storedSet);
  const facts = new Resources(journal, 'feature', storedFacts);
  const held = new HeldFlags({ journal, head: () => head, flags, sets, facts });
  return {
    journal,
    held,
    put: async (kind, key, value) => {
      const stream = `${kind}:${key}`;
      const body = bytes(JSON.stringify({ format: 1, value }));
      const expected = await journal.streamHead(stream);
      const [entry] = await journal.append([{ ...ANN, stream, type: `${kind}.put`, body, expected }]);
      return entry!.seq;
    },
    keys: async (config) => [...(await held.config(config)).flags.keys()].toSorted(),
  };
}

const flag = (definition: object = ON_OFF): object => ({ definition });
const MOVED = { definition: 'moved' };

describe('what was erased', () => {
  it('is let go of at once, of flags, of sets and of facts', async () => {
    const { journal, held, put, keys } = open();
    const secret = await put('flag', 'shop/banner', flag(COLOURS));
    await put('flag', 'shop/other', flag());
    const shared = await put('flagset', 'shop', { evaluators: { staff: true }, metadata: {} });
    const said = await put('feature', 'shop/debug', { owner: 'ann' });
    const before = await held.config('shop');
    expect([before.flags.size, before.set.evaluators]).toEqual([2, { staff: true }]);
    expect((await held.facts('shop')).get('debug')?.owner).toBe('ann');
    await journal.redact(secret, ANN);
    expect(await keys('shop')).toEqual(['other']);
    await journal.redact(shared, ANN);
    expect((await held.config('shop')).set.evaluators).toEqual({});
    await journal.redact(said, ANN);
    expect([...(await held.facts('shop')).keys()]).toEqual([]);
  });

  it('takes nothing else with it', async () => {
    const { journal, held, put, keys } = open();
    const old = await put('flag', 'shop/banner', flag(COLOURS));
    await put('flag', 'shop/banner', flag());
    await put('flag', 'mail/x', flag());
    expect([await keys('shop'), await keys('mail')]).toEqual([['banner'], ['x']]);
    await journal.redact(old, ANN);
    expect([await keys('shop'), await keys('mail')]).toEqual([['banner'], ['x']]);
    expect((await held.config('shop')).flags.get('banner')?.definition).toEqual(ON_OFF);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['a flag', 'flag', 'shop/banner', MOVED, flag()],
    ['a set', 'flagset', 'shop', { evaluators: 5 }, { evaluators: {}, metadata: {} }],
  ])('%s, is said to whoever asks for its config, and to nobody else', async (_, kind, key, broken, mended) => {
    const { put, keys, held } = open();
    for (const place of ['shop/banner', 'mail/x']) await put('flag', place, flag());
    expect([await keys('shop'), await keys('mail')]).toEqual([['banner'], ['x']]);
    await put(kind, key, broken);
    await put('flag', 'mail/y', flag());
    expect(await keys('mail')).toEqual(['x', 'y']);
    expect(await codeOf(held.config('shop'))).toBe('ERR_WRONG_TYPE');
    expect(await keys('mail'), 'also after it').toEqual(['x', 'y']);
    await put(kind, key, mended);
    expect([await keys('shop'), await keys('mail')]).toEqual([['banner'], ['x', 'y']]);
  });
});
