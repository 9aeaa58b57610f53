/** What may be a package's name, and what a tarball's. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseNewPackageName,
  parsePackageName,
  scopeOf,
  tarballName,
  unscopedOf,
  versionOfTarball,
} from '../../src/packages/name.ts';
import { codeOf } from '../journal/fixtures.ts';

describe('a name', () => {
  it.each(['ui', '@acme/ui', 'a', 'date-fns', 'socket.io', '@a/b.c_d', '7zip', '@-a/b', `a${'b'.repeat(213)}`])(
    'can be %s',
    (name) => expect(parseNewPackageName(name)).toBe(name),
  );

  it.each(
    [
      [
        '',
        '.',
        '..',
        '.ui',
        '_ui',
        '-',
        '-ui',
        ' ui',
        'ui ',
        'u i',
        'ui/',
        '/ui',
        'a/b',
        'a/b/c',
        'ü',
        'a%2fb',
        'a\\b',
      ],
      ['@', '@acme', '@acme/', '@/ui', '@acme/.ui', '@../ui', '@./ui', '@.acme/ui', '@-/ui', '@acme/-', '@acme/..'],
      [
        '@acme/ui/x',
        '@acme//ui',
        '@a@b/c',
        'ui\n',
        'ui\0',
        'node_modules',
        'Node_Modules',
        'favicon.ico',
        '_dashboard',
      ],
      ['a'.repeat(215), 'ui?x', 'ui#x', '@a/b@1', '\ud800', '__proto__', '.well-known', '@acme\n/ui'],
    ].flat(),
  )('cannot be %j', async (name) => {
    expect(await codeOf(() => parsePackageName(name))).toBe('ERR_PACKAGE_NAME');
  });

  it.each([undefined, null, 7, {}, ['ui']])('is text: not %j', async (name) => {
    expect(await codeOf(() => parsePackageName(name))).toBe('ERR_PACKAGE_NAME');
  });

  it.each(['JSONStream', 'http', 'fs', '@Acme/ui', "it's", 'what!', 'a(b)'])(
    'of old can be asked for, and not published: %s',
    async (name) => {
      expect(parsePackageName(name)).toBe(name);
      expect(await codeOf(() => parseNewPackageName(name))).toBe('ERR_PACKAGE_NAME');
    },
  );

  it.each(['health', 'metrics', 'docs', 'openapi.json', 'api', 'ofrep', 'robots.txt', 'setup', 'login'])(
    'is none where this server answers itself: %s',
    async (name) => {
      expect(await codeOf(() => parseNewPackageName(name))).toBe('ERR_PACKAGE_NAME');
      expect(parseNewPackageName(`@acme/${name}`)).toBe(`@acme/${name}`);
    },
  );

  it('has a scope or none', () => {
    expect([scopeOf('@acme/ui'), scopeOf('ui')]).toEqual(['@acme', null]);
    expect([unscopedOf('@acme/ui'), unscopedOf('ui')]).toEqual(['ui', 'ui']);
  });

  it('that passes is one part of a path, or two', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webPath(), fc.string({ unit: 'binary' })), (text) => {
        const name = nameOrNull(text);
        if (name === null) return;
        expect(name).toBe(text);
        expect(new URL(`http://localhost/${name}/x`).pathname).toBe(`/${name}/x`);
      }),
      { seed: 13, numRuns: 500 },
    );
  });
});

function nameOrNull(text: string): string | null {
  try {
    return parsePackageName(text);
  } catch {
    return null;
  }
}

describe('a tarball', () => {
  it('is named after the package without its scope, and says the version back', () => {
    expect(tarballName('@acme/ui', '1.0.0-rc.1')).toBe('ui-1.0.0-rc.1.tgz');
    for (const name of ['ui', '@acme/ui', 'ui-1.0.0']) {
      expect(versionOfTarball(name, tarballName(name, '1.0.0-rc.1+b'))).toBe('1.0.0-rc.1+b');
    }
  });

  it.each([
    ['ui', 'other-1.0.0.tgz'],
    ['ui', 'ui-1.0.0.zip'],
    ['ui', 'ui-.tgz'],
    ['ui', 'ui.tgz'],
    ['ui', ''],
  ])('of %s is not %j', (name, file) => expect(versionOfTarball(name, file)).toBeNull());
});
