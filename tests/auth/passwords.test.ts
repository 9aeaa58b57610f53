/** What may be a password, and how many are hashed at once. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMON_PASSWORDS } from '../../src/auth/common-passwords.ts';
import { checkPassword, Passwords } from '../../src/auth/passwords.ts';
import { codeOf } from '../journal/fixtures.ts';
import { faultOf } from './fixtures.ts';

const ruleOf = (password: unknown, name = 'ann'): Promise<string> =>
  faultOf((async () => checkPassword(password, name))());

describe('a password', () => {
  it.each([
    ['four random words here', 'none'],
    [
      '\u{1f600}\u{1f601}\u{1f602}\u{1f603}\u{1f604}\u{1f605}\u{1f606}\u{1f607}\u{1f608}\u{1f609}\u{1f60a}\u{1f60b}',
      'none',
    ],
    ['elevenchars', 'ERR_PASSWORD length'],
    ['\u{1f600}'.repeat(11), 'ERR_PASSWORD length'],
    ['twelve words', 'none'],
    ['abcdefghij'.repeat(12) + 'abcdefgh', 'none'],
    ['abcdefghij'.repeat(12) + 'abcdefghi', 'ERR_PASSWORD length'],
    ['I am Ann and this is me', 'ERR_PASSWORD name'],
    ['Password1234', 'ERR_PASSWORD common'],
    ['aaaaaaaaaaaaaaaa', 'ERR_PASSWORD common'],
    ['121212121212', 'ERR_PASSWORD common'],
    ['half a pair \ud800', 'ERR_PASSWORD text'],
    [123456789012, 'ERR_PASSWORD text'],
    [null, 'ERR_PASSWORD text'],
  ])('%j: %s', async (password, code) => expect(await ruleOf(password)).toBe(code));

  it('may hold a name too short to mean anything', async () => {
    expect(await ruleOf('four random words here', 'wo')).toBe('none');
    expect(await ruleOf('four random words here', 'word')).toBe('ERR_PASSWORD name');
  });

  it('is none of the list, whose entries are all long enough to be one', () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThan(100);
    for (const common of COMMON_PASSWORDS) {
      expect(common).toBe(common.toLowerCase());
      expect(Array.from(common).length, common).toBeGreaterThanOrEqual(12);
    }
  });

  it('is in no error', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 11 }), (password) => {
        try {
          checkPassword(password, 'ann');
        } catch (error) {
          expect(JSON.stringify(error)).not.toContain(JSON.stringify(password).slice(1, -1));
        }
      }),
      { numRuns: 200, seed: 13 },
    );
  });
});

describe('hashing', () => {
  it('knows the password, in every way to type it, and nothing else', async () => {
    const passwords = new Passwords();
    const hash = await passwords.hash(checkPassword('Lösung mit Umlaut', 'ann'));
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await passwords.verify('Lösung mit Umlaut'.normalize('NFD'), hash)).toBe(true);
    for (const other of ['lösung mit Umlaut', 'Lösung mit Umlau', '', 'x', 'x'.repeat(100_000)]) {
      expect(await passwords.verify(other, hash), other.slice(0, 20)).toBe(false);
      expect(await passwords.verify(other, null)).toBe(false);
    }
  });

  it('of more than can wait is refused, and goes on with those who do', async () => {
    const passwords = new Passwords();
    const outcomes = Array.from({ length: 40 }, () => codeOf(passwords.verify('four random words', null)));
    const told = await Promise.all(outcomes);
    expect(told.slice(0, 34)).toEqual(Array.from({ length: 34 }, () => 'none'));
    expect(told.slice(34)).toEqual(Array.from({ length: 6 }, () => 'ERR_BUSY'));
    expect(await codeOf(passwords.verify('four random words', null))).toBe('none');
  });
});
