/** What is found, in which order, and that nobody learns of what he may not see. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Packages, type SearchQuery } from '../../src/packages/packages.ts';
import { parseSearch } from '../../src/packages/search.ts';
import { ANN, inMemory, publicationOf } from './packages-fixtures.ts';

interface Wanted {
  readonly description?: string;
  readonly keywords?: unknown;
  readonly author?: unknown;
}

async function withPackages(wanted: Readonly<Record<string, Wanted>>): Promise<Packages> {
  const { packages } = inMemory();
  for (const [name, also] of Object.entries(wanted))
    await packages.publish(publicationOf(name, '1.0.0', { also }), ANN);
  return packages;
}

async function namesOf(packages: Packages, text: string, more: Partial<SearchQuery> = {}): Promise<string[]> {
  const { total, hits } = await packages.search({ text, from: 0, size: 100, maySee: () => true, ...more });
  expect(total).toBe(hits.length);
  return hits.map(({ name }) => name);
}

describe('a search', () => {
  it('finds the name itself first, then its own part, beginnings, names that hold it, and texts', async () => {
    const packages = await withPackages({
      preact: {},
      widgets: { description: 'Widgets for React.' },
      'react-dom': {},
      '@acme/react': {},
      'create-react-app': {},
      react: {},
      'other-thing': {},
    });
    expect(await namesOf(packages, 'react')).toEqual([
      'react',
      '@acme/react',
      'react-dom',
      'create-react-app',
      'preact',
      'widgets',
    ]);
    expect(await namesOf(packages, '@acme/react')).toEqual(['@acme/react']);
    expect(await namesOf(packages, 'REACT dom')).toEqual(['react-dom']);
    expect(await namesOf(packages, 'wid')).toEqual(['widgets']);
    expect(await namesOf(packages, 'x')).toEqual([]);
  });

  it('finds keywords, authors, publishers, scopes and what is deprecated or a prerelease', async () => {
    const packages = await withPackages({
      '@acme/ui': { keywords: ['date-picker', 'form'], author: { name: 'Bea Blue' } },
      '@acme/cli': { keywords: 'form', author: 'Cy <cy@example.org>' },
      '@acmeco/ui': { keywords: ['forms'], author: 7 },
    });
    expect((await namesOf(packages, 'keywords:form')).toSorted()).toEqual(['@acme/cli', '@acme/ui']);
    expect(await namesOf(packages, 'keywords:date-picker,forms')).toHaveLength(2);
    expect(await namesOf(packages, 'keywords:date-picker ui')).toEqual(['@acme/ui']);
    expect(await namesOf(packages, 'keywords:form u')).toEqual(['@acme/ui']);
    expect(await namesOf(packages, 'author:bea')).toEqual(['@acme/ui']);
    expect(await namesOf(packages, 'maintainer:ann')).toHaveLength(3);
    expect(await namesOf(packages, 'scope:acme')).toEqual(['@acme/cli', '@acme/ui']);
    expect(await namesOf(packages, 'scope:@acmeco ui')).toEqual(['@acmeco/ui']);
    await packages.deprecate('@acme/cli', { '1.0.0': 'old' }, ANN);
    expect(await namesOf(packages, 'keywords:form')).toEqual(['@acme/ui', '@acme/cli']);
    expect(await namesOf(packages, 'keywords:form not:deprecated boost-exact:false')).toEqual(['@acme/ui']);
    expect(await namesOf(packages, 'is:deprecated')).toEqual(['@acme/cli']);
    await packages.publish(publicationOf('@acme/ui', '2.0.0-rc.1'), ANN);
    expect(await namesOf(packages, 'is:unstable')).toEqual(['@acme/ui']);
    expect(await namesOf(packages, 'scope:acme not:unstable')).toEqual(['@acme/cli']);
  });

  it('shows what latest says, and follows it', async () => {
    const packages = await withPackages({ ui: { description: 'Buttons', keywords: ['a', 7], author: 'Ann' } });
    const {
      hits: [hit],
    } = await packages.search({ text: 'buttons', from: 0, size: 10, maySee: () => true });
    expect(hit).toMatchObject({ name: 'ui', version: '1.0.0', description: 'Buttons', keywords: ['a'], author: 'Ann' });
    expect(hit).toMatchObject({ publishedBy: 'ann', deprecated: null, score: 1 });
    await packages.publish(publicationOf('ui', '2.0.0', { also: { description: 'Dialogs' }, tags: ['next'] }), ANN);
    expect(await namesOf(packages, 'dialogs')).toEqual([]);
    await packages.tag('ui', { set: { latest: '2.0.0' } }, ANN);
    expect([await namesOf(packages, 'dialogs'), await namesOf(packages, 'buttons')]).toEqual([['ui'], []]);
    await packages.unpublish('ui', ['2.0.0'], ANN);
    expect([await namesOf(packages, 'dialogs'), await namesOf(packages, 'buttons')]).toEqual([[], ['ui']]);
    await packages.unpublish('ui', 'all', ANN);
    expect([await namesOf(packages, 'ui'), await namesOf(packages, '')]).toEqual([[], []]);
    await packages.publish(publicationOf('ui', '3.0.0'), ANN);
    expect(await namesOf(packages, 'ui')).toEqual(['ui']);
  });

  it.each([
    ['raect', 'react'],
    ['recat', 'react'],
    ['reactt', 'react'],
    ['eact-dom', 'react-dom'],
    ['date-pickr', 'date-picker'],
    ['typscript', 'typescript'],
    ['lodahs', 'lodash'],
  ])('finds what was meant by %s', async (text, meant) => {
    const packages = await withPackages({ react: {}, 'react-dom': {}, 'date-picker': {}, typescript: {}, lodash: {} });
    expect(await namesOf(packages, text)).toContain(meant);
    expect(await namesOf(packages, 'completely')).toEqual([]);
  });

  it('pages through what he may see, counts that alone, and guesses from that alone', async () => {
    const { packages } = inMemory();
    const names = Array.from({ length: 30 }, (_, i) => `ui-${String(i).padStart(2, '0')}`);
    for (const name of names) {
      const access = name.endsWith('5') ? 'restricted' : 'public';
      await packages.publish(publicationOf(name, '1.0.0', { access }), ANN);
    }
    await packages.changeSettings('ui-10', (settings) => ({ ...settings, isPremium: true }), ANN);
    const maySee: SearchQuery['maySee'] = (name, { access, isPremium }) =>
      access === 'public' && !isPremium && name !== 'ui-11';
    const seen = names.filter((name) => !name.endsWith('5') && name !== 'ui-10' && name !== 'ui-11');
    const pages = await Promise.all(
      [0, 10, 20, 30].map((from) => packages.search({ text: 'ui', from, size: 10, maySee })),
    );
    expect(pages.flatMap(({ hits }) => hits.map(({ name }) => name))).toEqual(seen);
    expect(pages.map(({ total }) => total)).toEqual([25, 25, 25, 25]);
    expect(await namesOf(packages, 'ui-10', { maySee })).toEqual(await namesOf(packages, 'ui-1q', { maySee }));
  });

  it('of anything anybody types ends, and never in an error', async () => {
    const packages = await withPackages({ '@acme/ui': { keywords: ['form'] }, 'date-fns': {} });
    const awkward = fc.constantFrom(
      '"',
      '*',
      'AND',
      'NEAR(',
      ')',
      ':',
      '^',
      '-',
      'keywords:',
      'scope:',
      '{ui}',
      "'",
      '%',
      'ui',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(awkward, { maxLength: 8 }).map((parts) => parts.join(' ')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (some) => {
        const { total, hits } = await packages.search({ text: some, from: 0, size: 5, maySee: () => true });
        expect(total).toBe(hits.length);
      }),
      { seed: 13, numRuns: 300 },
    );
  });

  it('of words reads them as one would', () => {
    expect(parseSearch('  Date  picker keywords:a,b author:Bea maintainer:cy scope:acme is:deprecated x:y ')).toEqual({
      words: ['date', 'picker', 'x:y'],
      keywords: ['a', 'b'],
      people: ['bea', 'cy'],
      scope: '@acme',
      isDeprecated: true,
      isUnstable: null,
    });
    expect(parseSearch('a '.repeat(1000)).words).toHaveLength(10);
  });
});
