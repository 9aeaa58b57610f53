/** Which addresses are npm's, and that the name of a package is read the same however it is written. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNpmPath, isPackagePath, npmPath, PACKAGE_PATH } from '../../../src/registry/npm/npm-paths.ts';
import { parseNewPackageName } from '../../../src/packages/name.ts';
import { openApp } from '../app-fixtures.ts';

const PART = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/);

describe('an address', () => {
  it('has one form, however the slash of a scope is written', () => {
    fc.assert(
      fc.property(PART, PART, fc.constantFrom('', '/1.0.0', '/-/ui-1.0.0.tgz', '/-rev/3-a'), (scope, name, rest) => {
        const forms = [`/@${scope}/${name}`, `/@${scope}%2f${name}`, `/@${scope}%2F${name}`, `/%40${scope}/${name}`];
        for (const form of forms) expect(npmPath(form + rest)).toBe(`/@${scope}%2F${name}${rest}`);
        expect(npmPath(`/-/package/@${scope}/${name}/dist-tags`)).toBe(`/-/package/@${scope}%2F${name}/dist-tags`);
      }),
    );
    expect(npmPath('/@acme/ui/-/@acme/ui-1.0.0.tgz')).toBe('/@acme%2Fui/-/@acme%2Fui-1.0.0.tgz');
  });

  it('of ours stays as it is', () => {
    for (const path of ['/api/v1/configs/@a/b', '/_dashboard/@a/b', '/docs/@a/b', '/', '/-/docs/@a/b']) {
      expect([npmPath(path), isNpmPath(path)]).toEqual([path, false]);
    }
    expect(['/-', '/-/whoami', '/-/package/ui/dist-tags'].map(isPackagePath)).toEqual([false, false, false]);
    expect(['/ui', '/@acme%2Fui', '/ui/latest', '/ui/'].map(isPackagePath)).toEqual([true, true, true, true]);
  });

  it('of every route of ours can be no package', async () => {
    const { routes } = await openApp();
    const own = routes.filter(({ path }) => !path.startsWith(PACKAGE_PATH) && !path.startsWith('/-/'));
    expect(own.length).toBeGreaterThan(50);
    for (const { path } of own) {
      expect(isNpmPath(path), path).toBe(false);
      expect(() => parseNewPackageName(path.split('/')[1]), path).toThrow(/Invalid package name/);
    }
  });
});
