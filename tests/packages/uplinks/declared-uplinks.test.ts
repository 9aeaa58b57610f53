/**
 * Uplinks as the team keeps them: what is taken, in which order they stand, and where their secrets are not.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLocalJournal } from '../../../src/journal/local.ts';
import { resourcesProjection } from '../../../src/journal/resources.ts';
import { openSideStore } from '../../../src/journal/side-store.ts';
import { Filters } from '../../../src/packages/filters/filters.ts';
import { DeclaredUplinks } from '../../../src/packages/uplinks/declared-uplinks.ts';
import { parseUplink, uplinkError } from '../../../src/packages/uplinks/uplink.ts';
import { codeOf, tempDirectory } from '../../journal/fixtures.ts';

const ANN = { actor: 'ann' };
const ITSELF = 'http://itself.example';

function house(upstream: string | null = 'https://packages.example', failing = 0) {
  const directory = tempDirectory();
  const path = join(directory, 'journal.db');
  const journal = openLocalJournal({ path, projections: [resourcesProjection] });
  const keyring = openSideStore({ path: join(directory, 'keyring.db'), durable: true });
  let asked = 0;
  const declared = new DeclaredUplinks({
    journal,
    keyring,
    upstream: async () => {
      if (asked++ < failing) throw uplinkError('default', '', 'nobody says where');
      return upstream;
    },
    isItself: (url) => url.startsWith(ITSELF),
  });
  onTestFinished(async () => {
    keyring.close();
    await journal.close();
  });
  return { declared, journal, path, filters: new Filters(journal), asked: () => asked };
}

describe('declared uplinks', () => {
  it('are one for everything, while there are none', async () => {
    const { declared, asked } = house();
    expect(asked()).toBe(0);
    expect(await declared.all()).toMatchObject([{ name: 'default', url: 'https://packages.example', patterns: ['*'] }]);
    expect(await house(null).declared.all()).toEqual([]);
  });

  it('that nobody could name are an error, and asked for again', async () => {
    const { declared, asked } = house('https://packages.example', 1);
    const both = [declared.all(), declared.all()];
    for (const all of both) expect(await codeOf(all)).toBe('ERR_UPLINK');
    expect([(await declared.all())[0]?.url, asked()]).toEqual(['https://packages.example', 2]);
  });

  it('stand in their order, then by name', async () => {
    const { declared } = house();
    await declared.put('b', { url: 'https://b.example/npm/' }, ANN);
    await declared.put('a', { url: null, patterns: ['@acme/*'] }, ANN);
    await declared.put('c', { url: 'https://c.example', order: 1 }, ANN);
    expect((await declared.all()).map(({ name, url }) => [name, url])).toEqual([
      ['c', 'https://c.example'],
      ['a', null],
      ['b', 'https://b.example/npm'],
    ]);
    await declared.delete('c', ANN);
    expect((await declared.all()).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('show credentials to the origin that they were given for', async () => {
    const { declared, journal, path } = house();
    const shown = async () => (await declared.all())[0]?.authorization;
    await declared.put('a', { url: 'https://a.example', credentials: { token: 'very-secret' } }, ANN);
    expect(await shown()).toBe('Bearer very-secret');
    await declared.put('a', { url: 'https://a.example/other', retries: 1 }, ANN);
    expect(await shown(), 'left out: as they are').toBe('Bearer very-secret');
    await declared.put('a', { url: 'https://evil.example' }, ANN);
    expect(await shown()).toBeNull();
    await declared.put('a', { url: 'https://a.example' }, ANN);
    expect(await shown(), 'gone for good').toBeNull();
    await declared.put('a', { url: 'https://a.example', credentials: { user: 'ann', password: 'very-secret:ü' } }, ANN);
    expect(await shown()).toBe(`Basic ${Buffer.from('ann:very-secret:ü').toString('base64')}`);
    await declared.put('a', { url: 'https://a.example', credentials: null }, ANN);
    expect(await shown()).toBeNull();
    await journal.flush();
    expect(readFileSync(path).toString('latin1') + readFileSync(`${path}-wal`).toString('latin1')).not.toContain(
      'secret',
    );
  });

  it('are looked at again when the journal moved', async () => {
    const { declared, journal } = house();
    await declared.all();
    const body = new TextEncoder().encode(
      JSON.stringify({ format: 1, value: parseUplink({ url: 'https://x.example' }) }),
    );
    const entry = { stream: 'uplink:x', type: 'uplink.put', actor: 'bob', reason: '', body, expected: 0 };
    declared.follow(await journal.append([entry]));
    expect((await declared.all()).map(({ name }) => name)).toEqual(['x']);
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, 'url'],
    [{ url: 'ftp://x' }, 'url'],
    [{ url: 'https://ann:secret@x.example' }, 'url'],
    [{ url: 'https://x.example/?token=1' }, 'url'],
    [{ url: 'https://x.example', patterns: [] }, 'patterns'],
    [{ url: 'https://x.example', patterns: ['a b'] }, 'patterns'],
    [{ url: 'https://x.example', retries: 11 }, 'retries'],
    [{ url: 'https://x.example', timeout_ms: 1 }, 'timeout_ms'],
    [{ url: 'https://x.example', isEnabled: 1 }, 'isEnabled'],
    [{ url: 'https://x.example', token: 'x' }, 'token'],
    [{ url: 'https://x.example', credentials: {} }, 'credentials'],
    [{ url: 'https://x.example', credentials: { token: 'a b' } }, 'credentials'],
    [{ url: 'https://x.example', credentials: { token: 'a', user: 'b', password: 'c' } }, 'credentials'],
    [{ url: 'https://x.example', credentials: { user: 'a:b', password: 'c' } }, 'credentials'],
    [{ url: null, credentials: { token: 'a' } }, 'credentials'],
  ])('%j is refused for its %s, and nothing is kept or told', async (input, field) => {
    const { declared } = house();
    const error = await declared.put('a', input, ANN).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ details: { field } });
    expect(Bun.inspect(error)).not.toContain('secret');
    expect(await declared.resources.count()).toBe(0);
  });
});

describe('package filters', () => {
  it('are kept, read once, and looked at again when they change', async () => {
    const { filters, journal } = house();
    await filters.put('week', { effect: 'block', minAge_s: 604_800 }, ANN);
    expect(await filters.all()).toEqual([
      { name: 'week', effect: 'block', names: '*', versions: null, licences: null, minAge_s: 604_800 },
    ]);
    expect(await filters.all()).toBe(await filters.all());
    const { entries } = await journal.read({ stream: 'package_filter:week', limit: 10, order: 'asc' });
    await filters.delete('week', ANN);
    expect(await filters.all()).toEqual([]);
    const before = await filters.all();
    filters.follow(entries);
    expect(await filters.all()).not.toBe(before);
  });
});
