/** Many that publish the same package at once, each a process of its own: Bun, because it starts fastest. @module */
import { expect, it } from 'vitest';
import { does, Place } from './place.ts';

const EIGHT = Array.from({ length: 8 }, (_, at) => at);
const place = Place.open();

it('takes one version from one of eight, and tells the others', async () => {
  const bun = place.client('bun');
  const folders = EIGHT.map((at) =>
    bun.folder(`same-${at}`, { 'package.json': { name: 'same', version: '1.0.0', description: `by ${at}` } }),
  );
  const ran = await Promise.all(folders.map((folder) => does(bun, 'publish', folder)));
  const winners = EIGHT.filter((at) => ran[at]!.code === 0);
  expect(winners.length, ran.map(({ out }) => out).join('\n')).toBe(1);
  const refused = ran.filter(({ out }) => /409 Conflict: [\s\S]*You cannot publish over/.test(out));
  expect(refused.length).toBe(7);
  const { versions } = (await place.call('GET', '/same')).body;
  expect(versions['1.0.0'].description).toBe(`by ${winners[0]}`);
});

it('keeps eight versions that are published at once', async () => {
  const bun = place.client('bun');
  const folders = EIGHT.map((at) => bun.package('many', `1.${at}.0`));
  const ran = await Promise.all(folders.map((folder) => does(bun, 'publish', folder)));
  expect(ran.map(({ code }) => code)).toEqual(EIGHT.map(() => 0));
  const { versions, 'dist-tags': tags } = (await place.call('GET', '/many')).body;
  expect(Object.keys(versions).toSorted()).toEqual(EIGHT.map((at) => `1.${at}.0`));
  expect(Object.keys(versions)).toContain(tags.latest);
});
