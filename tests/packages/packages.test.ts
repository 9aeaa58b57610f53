/** Packages as the journal keeps them: beside a model, in races, over erasures, made again from entries. @module */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { DEFAULT_SETTINGS, type PackageState } from '../../src/packages/package.ts';
import type { Packages } from '../../src/packages/packages.ts';
import { packagesProjection } from '../../src/packages/projection.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { ANN, inMemory, openJournal, packagesOf, publicationOf } from './packages-fixtures.ts';

async function published(packages: Packages, name: string, ...versions: string[]): Promise<void> {
  for (const version of versions) await packages.publish(publicationOf(name, version), ANN);
}

async function stateOf(packages: Packages, name = 'ui'): Promise<PackageState> {
  return (await packages.state(name))!;
}

/** What the tables say, and what they say when they are made again. */
async function rebuilt(journal: Journal, packages: Packages, names: readonly string[]): Promise<unknown[]> {
  const look = async (): Promise<unknown> => [
    await Promise.all(names.map((name) => packages.state(name))),
    await packages.list(),
    await packages.count(),
    await packages.blobs({ goneSince: 0 }),
    await packages.search({ text: '', from: 0, size: 100, maySee: () => true }),
    await packages.search({ text: 'ui', from: 0, size: 100, maySee: () => true }),
  ];
  const grown = await look();
  await journal.rebuild(packagesProjection);
  return [grown, await look()];
}

describe('a package', () => {
  it('is not there until something is published, and then says all of it', async () => {
    const { packages } = inMemory();
    expect(await packages.state('ui')).toBeNull();
    const publication = publicationOf('ui', '1.0.0', {
      readme: '# ui',
      attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', blob: 'a'.repeat(128) }],
      access: 'restricted',
    });
    expect(await packages.publish(publication, { actor: 'ann/ci', reason: 'release' })).toEqual({ revision: 1 });
    const state = await stateOf(packages);
    const { manifest, dist, blob, attestations } = publication;
    const signature = { keyid: 'SHA256:test', sig: `ui@1.0.0:${dist.integrity}` };
    expect(state).toMatchObject({ name: 'ui', revision: 1, readme: '# ui', tags: { latest: '1.0.0' }, stars: [] });
    expect(state.settings).toEqual({ ...DEFAULT_SETTINGS, access: 'restricted' });
    expect(state.versions).toEqual([
      {
        version: '1.0.0',
        manifest,
        dist: { ...dist, signatures: [signature] },
        blob,
        attestations,
        publishedAt: state.createdAt,
        publishedBy: 'ann/ci',
        trusted: null,
        deprecated: null,
      },
    ]);
  });

  it('has the times of what was published elsewhere before', async () => {
    const { packages } = inMemory();
    await packages.publish(publicationOf('ui', '1.1.0', { publishedAt: 2000 }), ANN);
    await packages.publish(publicationOf('ui', '1.0.0', { publishedAt: 1000 }), ANN);
    const { createdAt, modifiedAt, versions } = await stateOf(packages);
    expect([createdAt, versions.map(({ publishedAt }) => publishedAt)]).toEqual([1000, [2000, 1000]]);
    expect(modifiedAt).toBeGreaterThan(2000);
  });

  it.each([
    ['_ui', '1.0.0', 'ERR_PACKAGE_NAME'],
    ['health', '1.0.0', 'ERR_PACKAGE_NAME'],
    ['http', '1.0.0', 'ERR_PACKAGE_NAME'],
    ['ui', 'v1.0.0', 'ERR_PACKAGE_VERSION'],
  ])('is refused: %s@%s', async (name, version, code) => {
    const { journal, packages } = inMemory();
    expect(await codeOf(packages.publish(publicationOf(name, version), ANN))).toBe(code);
    expect((await journal.head()).seq).toBe(0);
  });

  it('has at most a thousand dist-tags', async () => {
    const { packages } = inMemory();
    const several = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `t${from + index}`);
    expect(await codeOf(packages.publish(publicationOf('many', '0.9.0', { tags: several(1000) }), ANN))).toBe(
      'ERR_PACKAGE_INVALID',
    );
    await packages.publish(publicationOf('many', '1.0.0', { tags: several(998) }), ANN);
    await packages.publish(publicationOf('many', '1.0.1', { tags: several(999) }), ANN);
    const more = Object.fromEntries(several(2, 998).map((tag) => [tag, '1.0.0']));
    expect(await codeOf(packages.tag('many', { set: more }, ANN))).toBe('ERR_PACKAGE_INVALID');
    await packages.tag('many', { set: more, removed: ['t0'] }, ANN);
  });

  it('is one of at most a thousand that somebody has starred', async () => {
    const { packages } = inMemory();
    for (let index = 0; index <= 1000; index++) await packages.publish(publicationOf(`p${index}`, '1.0.0'), ANN);
    for (let index = 0; index < 1000; index++) await packages.star(`p${index}`, 'bob', true, ANN);
    expect(await codeOf(packages.star('p1000', 'bob', true, ANN))).toBe('ERR_PACKAGE_INVALID');
    await packages.star('p0', 'bob', true, ANN);
    await packages.star('p0', 'bob', false, ANN);
    await packages.star('p1000', 'bob', true, ANN);
  });

  it('is refused with a tag that is a range, and with more than an entry holds', async () => {
    const { journal, packages } = inMemory();
    expect(await codeOf(packages.publish(publicationOf('ui', '1.0.0', { tags: ['1.x'] }), ANN))).toBe(
      'ERR_PACKAGE_INVALID',
    );
    const readme = 'x'.repeat(8 * 1024 * 1024);
    expect(await codeOf(packages.publish(publicationOf('ui', '1.0.0', { readme }), ANN))).toBe('ERR_PACKAGE_INVALID');
    expect((await journal.head()).seq).toBe(0);
  });

  it('has the readme of latest, or else of the newest that has one', async () => {
    const { packages } = inMemory();
    await packages.publish(publicationOf('ui', '1.0.0', { readme: 'one' }), ANN);
    await packages.publish(publicationOf('ui', '2.0.0-rc.1', { readme: 'two', tags: ['next'] }), ANN);
    expect((await stateOf(packages)).readme).toBe('one');
    await packages.publish(publicationOf('ui', '1.1.0'), ANN);
    expect((await stateOf(packages)).readme).toBe('two');
  });

  it('has changes of several kinds in one append, or none of them', async () => {
    const { journal, packages } = inMemory();
    await published(packages, 'ui', '1.0.0', '1.1.0', '1.2.0');
    const changes = {
      unpublished: ['1.2.0'],
      tags: { set: { stable: '1.0.0', latest: '1.0.0' } },
      deprecated: { '1.1.0': 'use 1.0.0' },
      star: { user: 'bob', isStarred: true },
    };
    expect(await codeOf(packages.change('ui', { ...changes, tags: { set: { stable: '1.2.0' } } }, ANN))).toBe(
      'ERR_NOT_FOUND',
    );
    expect((await journal.head()).seq).toBe(3);
    expect(await packages.change('ui', changes, ANN)).toEqual({ revision: 7 });
    expect(await stateOf(packages)).toMatchObject({
      tags: { latest: '1.0.0', stable: '1.0.0' },
      versions: [{ deprecated: null }, { version: '1.1.0', deprecated: 'use 1.0.0' }],
      unpublished: [{ version: '1.2.0', by: 'ann' }],
      stars: ['bob'],
    });
    expect(await packages.change('ui', { ...changes, unpublished: [] }, ANN), 'all of it is so').toEqual({
      revision: 7,
    });
    expect((await journal.head()).seq).toBe(7);
  });

  it('tells installers of a deprecated version a line or two', async () => {
    const { journal, packages } = inMemory();
    await published(packages, 'ui', '1.0.0', '1.1.0');
    const messages = { '1.0.0': 'old', '1.1.0': 'x'.repeat(1001) };
    await expect(packages.deprecate('ui', messages, ANN)).rejects.toMatchObject({
      code: 'ERR_PACKAGE_INVALID',
      details: { package: 'ui', path: 'versions.1.1.0.deprecated' },
    });
    expect((await journal.head()).seq).toBe(2);
    await packages.deprecate('ui', { ...messages, '1.1.0': 'x'.repeat(1000) }, ANN);
    expect((await journal.head()).seq).toBe(3);
  });

  it('says what is not there', async () => {
    const { packages } = inMemory();
    expect(await codeOf(packages.star('ui', 'ann', true, ANN))).toBe('ERR_NOT_FOUND');
    await published(packages, 'ui', '1.0.0');
    expect(await codeOf(packages.tag('ui', { set: { next: '2.0.0' } }, ANN))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(packages.tag('ui', { removed: ['next'] }, ANN))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(packages.tag('ui', { removed: ['latest'] }, ANN))).toBe('ERR_PACKAGE_INVALID');
    expect(await codeOf(packages.deprecate('ui', { '2.0.0': 'old' }, ANN))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(packages.unpublish('ui', ['2.0.0'], ANN))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(packages.tag('ui', { removed: ['constructor'] }, ANN))).toBe('ERR_NOT_FOUND');
    await packages.unpublish('ui', 'all', ANN);
    expect(await codeOf(packages.unpublish('ui', 'all', ANN))).toBe('ERR_NOT_FOUND');
  });

  it('is changed at the revision that was said, or not', async () => {
    const { packages } = inMemory();
    await published(packages, 'ui', '1.0.0');
    const change = packages.changeSettings('ui', (settings) => ({ ...settings, isPremium: true }), {
      ...ANN,
      expected: 7,
    });
    expect(await codeOf(change)).toBe('ERR_REVISION_CONFLICT');
    const write = { ...ANN, expected: 1 };
    expect(await packages.changeSettings('ui', (settings) => ({ ...settings, isPremium: true }), write)).toEqual({
      revision: 2,
    });
    expect((await stateOf(packages)).settings).toEqual({ ...DEFAULT_SETTINGS, isPremium: true });
    expect(await codeOf(packages.publish(publicationOf('ui', '1.1.0'), write))).toBe('ERR_REVISION_CONFLICT');
    expect(await codeOf(packages.unpublish('ui', ['9.0.0'], write)), 'not decided on').toBe('ERR_REVISION_CONFLICT');
  });

  it('is ours by its name, or by its scope, also when all of it is unpublished', async () => {
    const { packages } = inMemory();
    expect(await Promise.all(['ui', '@acme/ui', '@acme/x'].map((name) => packages.isOwned(name)))).toEqual([
      false,
      false,
      false,
    ]);
    await published(packages, 'ui', '1.0.0');
    await published(packages, '@acme/ui', '1.0.0');
    await packages.unpublish('@acme/ui', 'all', ANN);
    const names = ['ui', '@acme/ui', '@acme/x', '@acm/ui', 'acme', 'uix'];
    expect(await Promise.all(names.map((name) => packages.isOwned(name)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    const written = ['UI', '@ACME/never', '@Acme/ui', 'Uix', '@acmeX/ui'];
    expect([...(await packages.ownedAmong(written))], 'however it is written').toEqual(written.slice(0, 3));
    await published(packages, 'uix', '1.0.0');
    expect([...(await packages.ownedAmong(written))], 'since then').toEqual(['UI', '@ACME/never', '@Acme/ui', 'Uix']);
  });

  it('is listed by name, with its blobs, and found by who starred it', async () => {
    const { packages } = inMemory();
    for (const name of ['c', '@acme/a', 'b']) await published(packages, name, '1.0.0', '1.1.0');
    await packages.star('b', 'bob', true, ANN);
    await packages.star('c', 'bob', true, ANN);
    await packages.star('c', 'bob', false, ANN);
    expect(await packages.starredBy('bob')).toEqual(['b']);
    expect((await packages.list({ limit: 2 })).map(({ name }) => name)).toEqual(['@acme/a', 'b']);
    expect(await packages.list({ after: 'b' })).toMatchObject([
      { name: 'c', latest: '1.1.0', versionCount: 2, access: 'public', isPremium: false, revision: 4 },
    ]);
    const all = await packages.blobs();
    expect(all.map(({ hash }) => hash)).toEqual(all.map(({ hash }) => hash).toSorted());
    const pages = [await packages.blobs({ limit: 4 }), await packages.blobs({ after: all[3]!.hash, limit: 4 })];
    expect(pages.flat()).toEqual(all);
    await packages.unpublish('c', 'all', ANN);
    const gone = publicationOf('c', '1.0.0').blob;
    expect((await packages.blobs()).map(({ hash }) => hash)).not.toContain(gone);
    const { at } = (await stateOf(packages, 'c')).unpublished[0]!;
    expect((await packages.blobs({ goneSince: at })).map(({ hash }) => hash)).toContain(gone);
    expect((await packages.blobs({ goneSince: at + 1 })).map(({ hash }) => hash)).not.toContain(gone);
    expect([await packages.count(), (await packages.list()).length]).toEqual([2, 2]);
  });
});

describe('latest', () => {
  it('is the first version, whatever its tags, and then only what is published as it', async () => {
    const { packages } = inMemory();
    await packages.publish(publicationOf('ui', '2.0.0-rc.1', { tags: ['next'] }), ANN);
    expect((await stateOf(packages)).tags).toEqual({ latest: '2.0.0-rc.1', next: '2.0.0-rc.1' });
    await packages.publish(publicationOf('ui', '1.0.0', { tags: ['old'] }), ANN);
    expect((await stateOf(packages)).tags['latest']).toBe('2.0.0-rc.1');
    await packages.publish(publicationOf('ui', '1.1.0', { tags: [] }), ANN);
    expect((await stateOf(packages)).tags['latest']).toBe('1.1.0');
  });

  it('is the highest stable version when what it named is gone', async () => {
    const { packages } = inMemory();
    await published(packages, 'ui', '1.10.0', '1.9.0', '2.0.0-rc.1', '3.0.0');
    await packages.tag('ui', { set: { next: '3.0.0', rc: '2.0.0-rc.1' } }, ANN);
    await packages.unpublish('ui', ['3.0.0'], ANN);
    expect((await stateOf(packages)).tags).toEqual({ latest: '1.10.0', rc: '2.0.0-rc.1' });
    await packages.unpublish('ui', ['1.10.0', '1.9.0'], ANN);
    expect((await stateOf(packages)).tags).toEqual({ latest: '2.0.0-rc.1', rc: '2.0.0-rc.1' });
    await packages.unpublish('ui', 'all', ANN);
    expect(await stateOf(packages)).toMatchObject({ tags: {}, versions: [] });
    await published(packages, 'ui', '4.0.0');
    expect((await stateOf(packages)).tags).toEqual({ latest: '4.0.0' });
  });
});

describe('a version', () => {
  it('is published once: not again, not with another build, not after it was unpublished', async () => {
    const { journal, packages } = inMemory();
    await published(packages, 'ui', '1.0.0', '2.0.0');
    await packages.unpublish('ui', ['1.0.0'], ANN);
    const before = await packages.state('ui');
    for (const version of ['1.0.0', '2.0.0', '1.0.0+b', '2.0.0+b']) {
      const other = publicationOf('ui', version, { readme: 'other', tags: ['other'], access: 'restricted' });
      expect(await codeOf(packages.publish(other, ANN)), version).toBe('ERR_PACKAGE_EXISTS');
    }
    expect(await packages.state('ui')).toEqual(before);
    expect((await journal.head()).seq).toBe(3);
  });

  it('does not come again either when somebody appends the entry himself', async () => {
    const { journal, packages } = inMemory();
    await published(packages, 'ui', '1.0.0');
    const { entries } = await journal.read({ stream: 'package:ui', limit: 1, order: 'asc' });
    const { stream, type, actor, reason, body } = entries[0]!;
    const again = { stream, type, actor, reason, body: body!, revision: 2 };
    expect(await codeOf(journal.append([again]))).toBe('ERR_PACKAGE_EXISTS');
    await packages.unpublish('ui', 'all', ANN);
    expect(await codeOf(journal.append([{ ...again, revision: 3 }]))).toBe('ERR_PACKAGE_EXISTS');
  });
});

describe('a race', () => {
  it('of two handles keeps every version, and gives one of eight the same one', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const handles = [packagesOf(openJournal(path)), packagesOf(openJournal(path))];
    const count = fc.integer({ min: 1, max: 16 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(count, async (versions) => {
        const name = `ui${run++}`;
        const wanted = Array.from({ length: versions }, (_, i) => `1.${i}.0`);
        const different = wanted.map((version, i) => handles[i % 2]!.publish(publicationOf(name, version), ANN));
        const same = Array.from({ length: 8 }, (_, i) =>
          codeOf(handles[i % 2]!.publish(publicationOf(name, '2.0.0', { tags: [`t${i}`] }), ANN)),
        );
        await Promise.all(different);
        expect((await Promise.all(same)).toSorted()).toEqual([...Array(7).fill('ERR_PACKAGE_EXISTS'), 'none']);
        const state = await stateOf(handles[0]!, name);
        expect(state.versions.map(({ version }) => version).toSorted()).toEqual([...wanted, '2.0.0'].toSorted());
        expect(state.revision).toBe(versions + 1);
        expect(await handles[1]!.state(name)).toEqual(state);
      }),
      { seed: 13, numRuns: 6 },
    );
  });

  it('of changes of one package through one handle loses none, however many there are', async () => {
    const { packages } = inMemory();
    await published(packages, 'ui', '1.0.0');
    const users = Array.from({ length: 60 }, (_, i) => `u${String(i).padStart(2, '0')}`);
    await Promise.all(users.map((user) => packages.star('ui', user, true, ANN)));
    expect((await stateOf(packages)).stars).toEqual(users);
  });
});

describe('the tables of packages', () => {
  const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0');
  const name = fc.constantFrom('ui', '@acme/ui');
  const tag = fc.constantFrom('latest', 'next');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), name, version, tag }),
    fc.record({ kind: fc.constant('tag' as const), name, version, tag }),
    fc.record({ kind: fc.constant('untag' as const), name }),
    fc.record({ kind: fc.constant('deprecate' as const), name, version, text: fc.constantFrom('old', '', null) }),
    fc.record({ kind: fc.constant('unpublish' as const), name, version }),
    fc.record({ kind: fc.constant('premium' as const), name, isPremium: fc.boolean() }),
    fc.record({ kind: fc.constant('star' as const), name, isStarred: fc.boolean() }),
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  interface Model {
    readonly versions: Map<string, string | null>;
    readonly gone: Set<string>;
    readonly tags: Map<string, string>;
    isPremium: boolean;
    isStarred: boolean;
  }

  /** What the step makes of the model; the code that it is refused with. */
  function stepped(model: Model | undefined, some: Step): string {
    if (some.kind === 'publish') {
      if (model!.versions.has(some.version) || model!.gone.has(some.version)) return 'ERR_PACKAGE_EXISTS';
      if (!model!.tags.has('latest')) model!.tags.set('latest', some.version);
      model!.versions.set(some.version, null);
      model!.tags.set(some.tag, some.version);
      return 'none';
    }
    if (model === undefined || model.versions.size + model.gone.size === 0) return 'ERR_NOT_FOUND';
    if (some.kind === 'premium') model.isPremium = some.isPremium;
    if (some.kind === 'star') model.isStarred = some.isStarred;
    if (some.kind === 'untag' && !model.tags.delete('next')) return 'ERR_NOT_FOUND';
    if (!('version' in some)) return 'none';
    if (!model.versions.has(some.version)) return 'ERR_NOT_FOUND';
    if (some.kind === 'tag') model.tags.set(some.tag, some.version);
    if (some.kind === 'deprecate') model.versions.set(some.version, some.text === '' ? null : some.text);
    if (some.kind === 'unpublish') unpublished(model, some.version);
    return 'none';
  }

  function unpublished({ versions, gone, tags }: Model, one: string): void {
    versions.delete(one);
    gone.add(one);
    for (const [known, named] of tags) if (named === one) tags.delete(known);
    const best = ['2.0.0', '1.1.0', '1.0.0', '2.0.0-rc.1'].find((candidate) => versions.has(candidate));
    if (best !== undefined && !tags.has('latest')) tags.set('latest', best);
  }

  async function done(packages: Packages, some: Step): Promise<string> {
    const { name: of } = some;
    switch (some.kind) {
      case 'publish':
        return await codeOf(packages.publish(publicationOf(of, some.version, { tags: [some.tag] }), ANN));
      case 'tag':
        return await codeOf(packages.tag(of, { set: { [some.tag]: some.version } }, ANN));
      case 'untag':
        return await codeOf(packages.tag(of, { removed: ['next'] }, ANN));
      case 'deprecate':
        return await codeOf(packages.deprecate(of, { [some.version]: some.text }, ANN));
      case 'unpublish':
        return await codeOf(packages.unpublish(of, [some.version], ANN));
      case 'premium':
        return await codeOf(packages.changeSettings(of, (now) => ({ ...now, isPremium: some.isPremium }), ANN));
      case 'star':
        return await codeOf(packages.star(of, 'bob', some.isStarred, ANN));
    }
  }

  function shownOf(state: PackageState | null): unknown {
    if (state === null) return null;
    const { versions, unpublished: gone, tags, settings, stars } = state;
    return {
      versions: versions.map((one) => [one.version, one.deprecated]),
      gone: gone.map((one) => one.version),
      tags,
      isPremium: settings.isPremium,
      isStarred: stars.includes('bob'),
    };
  }

  it('say what a model says after any changes, and the same made again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { journal, packages } = inMemory();
        const models = new Map<string, Model>();
        for (const some of steps) {
          if (some.kind === 'publish' && !models.has(some.name)) {
            const model = {
              versions: new Map(),
              gone: new Set<string>(),
              tags: new Map(),
              isPremium: false,
              isStarred: false,
            };
            models.set(some.name, model);
          }
          expect(await done(packages, some)).toBe(stepped(models.get(some.name), some));
        }
        for (const [of, { versions, gone, tags, ...flags }] of models) {
          const shown = { versions: [...versions], gone: [...gone], tags: Object.fromEntries(tags), ...flags };
          expect(shownOf(await packages.state(of))).toEqual(shown);
        }
        const [grown, again] = await rebuilt(journal, packages, ['ui', '@acme/ui']);
        expect(again).toEqual(grown);
        await journal.close();
      }),
      { seed: 13, numRuns: 40 },
    );
  });

  it('keep what they need, and are the same without what was erased', async () => {
    const { journal, packages } = inMemory();
    const by = { actor: 'dpo', reason: 'asked for' };
    await packages.publish(publicationOf('ui', '1.0.0', { readme: 'secret', tags: ['latest', 'next'] }), ANN);
    await packages.publish(publicationOf('ui', '1.1.0', { tags: ['latest', 'next'] }), ANN);
    await packages.publish(publicationOf('ui', '2.0.0', { tags: ['next'] }), ANN);
    await packages.deprecate('ui', { '1.1.0': 'secret' }, ANN);
    await packages.deprecate('ui', { '1.1.0': 'old' }, ANN);
    await packages.star('ui', 'bob', true, ANN);
    for (const seq of [1, 2, 3, 5]) expect(await codeOf(journal.redact(seq, by)), `${seq}`).toBe('ERR_REDACT');
    await packages.deprecate('ui', { '1.0.0': 'secret' }, ANN);
    await packages.tag('ui', { set: { secret: '1.0.0' } }, ANN);
    for (const seq of [7, 8]) expect(await codeOf(journal.redact(seq, by)), `${seq}`).toBe('ERR_REDACT');
    await packages.unpublish('ui', ['1.0.0'], ANN);
    const before = await stateOf(packages);
    for (const seq of [7, 8, 1, 4]) await journal.redact(seq, by);
    expect(await packages.state('ui')).toEqual(before);
    expect(await codeOf(journal.redact(9, by)), 'what says that it is gone').toBe('ERR_REDACT');
    expect(await codeOf(packages.publish(publicationOf('ui', '1.0.0'), ANN))).toBe('ERR_PACKAGE_EXISTS');
    await journal.redact(6, by);
    expect((await stateOf(packages)).stars).toEqual([]);
  });
});
