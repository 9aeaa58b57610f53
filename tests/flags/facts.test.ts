/** What people say about flags: kept as it is said, within limits. @module */
import { describe, expect, it } from 'vitest';
import { parseFacts } from '../../src/flags/facts.ts';
import { NO_FACTS } from '../../src/flags/flag.ts';
import { faultOf } from './fixtures.ts';

const FACTS = { clientVisible: true, description: 'why\nand how', owner: 'shop', tags: ['a', 'b'], expiresAt: 1e12 };

describe('facts', () => {
  it('are taken one by one; what is left out stays, and null takes away', () => {
    expect(parseFacts(FACTS, NO_FACTS)).toEqual(FACTS);
    expect(parseFacts({}, FACTS)).toEqual(FACTS);
    expect(
      parseFacts({ owner: null, description: '', tags: [], expiresAt: null, clientVisible: false }, FACTS),
    ).toEqual(NO_FACTS);
    expect(parseFacts({ tags: ['b', 'a', 'b'] }, NO_FACTS).tags).toEqual(['b', 'a']);
  });

  it('may be as long as the limits', () => {
    const tags = Array.from({ length: 20 }, (_, i) => String(i).padStart(50, '0'));
    const longest = { description: 'd'.repeat(2_000), owner: 'o'.repeat(100), tags, expiresAt: 8.64e15 };
    expect(parseFacts(longest, NO_FACTS)).toMatchObject(longest);
  });

  it.each<[unknown, string]>([
    [null, 'ERR_WRONG_TYPE'],
    [[], 'ERR_WRONG_TYPE'],
    [{ owners: 'a' }, 'ERR_UNKNOWN_FIELD'],
    [{ clientVisible: 'yes' }, 'ERR_WRONG_TYPE'],
    [{ clientVisible: null }, 'ERR_WRONG_TYPE'],
    [{ description: 5 }, 'ERR_WRONG_TYPE'],
    [{ description: 'd'.repeat(2_001) }, 'ERR_OUT_OF_RANGE'],
    [{ owner: 'a\nb' }, 'ERR_WRONG_TYPE'],
    [{ owner: 'o'.repeat(101) }, 'ERR_OUT_OF_RANGE'],
    [{ tags: 'a' }, 'ERR_WRONG_TYPE'],
    [{ tags: [''] }, 'ERR_WRONG_TYPE'],
    [{ tags: ['a', 1] }, 'ERR_WRONG_TYPE'],
    [{ tags: ['t'.repeat(51)] }, 'ERR_OUT_OF_RANGE'],
    [{ tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }, 'ERR_OUT_OF_RANGE'],
    [{ expiresAt: 'tomorrow' }, 'ERR_WRONG_TYPE'],
    [{ expiresAt: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ expiresAt: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ expiresAt: 8.64e15 + 1 }, 'ERR_OUT_OF_RANGE'],
  ])('are refused as %j', (input, code) => {
    expect(faultOf(() => parseFacts(input, NO_FACTS)).code).toBe(code);
  });
});
