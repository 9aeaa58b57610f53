/** Large packages of other registries: what is held of them is answered without being read again. @module */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseFilter } from '../../../src/packages/filters/filter.ts';
import { UplinkDocuments } from '../../../src/registry/npm/uplink-documents.ts';
import { opened, uplinkOf, type Wanted } from '../../packages/uplinks/opened.ts';
import { packumentOf, Upstream } from '../../packages/uplinks/upstream.ts';

const MiB = 1024 * 1024;

function house(size_bytes: number, wanted: Wanted = {}) {
  const upstream = new Upstream();
  const document = packumentOf(upstream.url, 'ui', { '1.0.0': {}, '1.1.0': {} });
  upstream.on('/ui', () => Response.json({ ...document, readme: 'x'.repeat(size_bytes) }));
  const home = opened([uplinkOf('main', { url: upstream.url, maxAge_s: 1_000_000 })], wanted);
  const documents = new UplinkDocuments({ uplinks: home.uplinks, origin: () => 'http://here' });
  return { ...home, documents, upstream };
}

it('a document of some megabytes is parsed once', async () => {
  const { uplinks } = house(8 * MiB);
  const first = await uplinks.packument('ui');
  expect((await uplinks.packument('ui'))?.document).toBe(first?.document);
});

it.each([
  ['nothing is hidden', []],
  ['a version is hidden', [{ name: 'it', ...parseFilter({ effect: 'block', versions: '1.1.0' }) }]],
])('one that is too large to be held parsed is not read again for who has it: %s', async (_what, filters) => {
  const { documents, directory, upstream } = house(24 * MiB, { filters: async () => filters });
  const first = (await documents.read('ui'))!;
  const files = join(directory, 'files');
  for (const file of readdirSync(files)) rmSync(join(files, file));
  const again = (await documents.read('ui'))!;
  expect(again).toBe(first);
  expect(again.full.etagOf(null)).toBe(first.full.etagOf(null));
  expect(upstream.asked).toHaveLength(1);
});

it('is rendered once for all who want it at once, and anew when filters change', async () => {
  let filters = [{ name: 'it', ...parseFilter({ effect: 'block', versions: '1.1.0' }) }];
  const { documents } = house(100, { filters: async () => filters });
  const all = await Promise.all(Array.from({ length: 10 }, () => documents.read('ui')));
  expect(new Set(all).size).toBe(1);
  expect(all[0]!.short.version('1.1.0')).toBeUndefined();
  expect(all[0]!.short.tags).toEqual({ latest: '1.0.0' });
  filters = [];
  const found = (await documents.read('ui'))!.short;
  expect(JSON.parse(new TextDecoder().decode(found.version('1.1.0')))).toMatchObject({ name: 'ui', version: '1.1.0' });
  expect([found.tags, found.version('1.2.0')]).toEqual([{ latest: '1.1.0' }, undefined]);
});
