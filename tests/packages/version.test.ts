/** Versions, tags, and the one that `latest` names. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { revisionText, parseRevisionText } from '../../src/packages/revision.ts';
import { highestOf, parseTag, parseVersion } from '../../src/packages/version.ts';
import { codeOf } from '../journal/fixtures.ts';

describe('a version', () => {
  it.each(['0.0.0', '1.2.3', '1.0.0-rc.1', '1.0.0-0', '1.0.0+build.5', '1.0.0-a.b-c+d', '9007199254740991.0.0'])(
    'is %s',
    (text) => expect(parseVersion(text)).toBe(text),
  );

  it.each(
    [
      '',
      'v1.0.0',
      '=1.0.0',
      ' 1.0.0',
      '1.0.0 ',
      '1.0',
      '1',
      '01.0.0',
      '1.0.0-',
      '1.0.0-01',
      '1.0.0+',
      'latest',
      '^1.0.0',
    ].concat([
      '1.0.0.0',
      '1.0.0+a b',
      '1.0.0+a/../b',
      '9007199254740992.0.0',
      '../1.0.0',
      `1.0.0-${'a'.repeat(256)}`,
      '1.0.0\n',
    ]),
  )('is not %j', async (text) => {
    expect(await codeOf(() => parseVersion(text))).toBe('ERR_PACKAGE_VERSION');
  });

  it.each([undefined, null, 1, {}])('is text: not %j', async (value) => {
    expect(await codeOf(() => parseVersion(value))).toBe('ERR_PACKAGE_VERSION');
  });
});

describe('a tag', () => {
  it.each(['latest', 'next', 'beta', 'release-1', 'canary.2026', 'a'])('is %s', (tag) =>
    expect(parseTag(tag, 'ui')).toBe(tag),
  );

  it.each(
    [
      ['', '1', '1.0.0', 'v1', '^1', '1.x', 'x', '*', '>=1', '__proto__', '_x', 'a b', 'a/b', 'a%', 'ü', '..'],
      ['.'],
    ].flat(),
  )('is not %j', async (tag) => expect(await codeOf(() => parseTag(tag, 'ui'))).toBe('ERR_PACKAGE_INVALID'));

  it.each([undefined, null, 7, 'a'.repeat(129)])('is short text: not %j', async (tag) =>
    expect(await codeOf(() => parseTag(tag, 'ui'))).toBe('ERR_PACKAGE_INVALID'),
  );
});

it.each<[readonly string[], string | null]>([
  [[], null],
  [['1.0.0', '2.0.0', '1.9.0'], '2.0.0'],
  [['1.10.0', '1.9.0'], '1.10.0'],
  [['2.0.0-rc.1', '1.0.0'], '1.0.0'],
  [['1.0.0-rc.1', '1.0.0-rc.10', '1.0.0-rc.9'], '1.0.0-rc.10'],
  [['1.0.0+build-5', '0.9.0'], '1.0.0+build-5'],
])('of %j the highest is %s', (versions, highest) => expect(highestOf(versions)).toBe(highest));

describe('a revision as text', () => {
  it('is read back, of its own package alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (revision) => {
        const text = revisionText('ui', revision);
        expect(text).toMatch(/^\d+-[0-9a-f]{16}$/);
        expect(parseRevisionText('ui', text)).toBe(revision);
        expect(parseRevisionText('uj', text)).toBeNull();
      }),
      { seed: 13 },
    );
  });

  it.each(['', '1', '1-', 'x', '0-abc', '01-abc', '1-abc', '99999999999999999999-abc', 'undefined'])(
    'is not %j',
    (text) => expect(parseRevisionText('ui', text)).toBeNull(),
  );
});
