/** The networks of a token: what is one, and which addresses are in it. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin, networkOrNull } from '../../src/auth/networks.ts';

describe('a network', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1'],
    ['10.0.0.0/33', null],
    ['2001:db8::/129', null],
    ['10.0.0.0/08', null],
    ['10.0.0.0/', null],
    ['10.0.0', null],
    ['010.0.0.1', null],
    ['fe80::1%eth0', null],
    ['::ffff:10.0.0.0/104', null],
    ['0:0:0:0:0:ffff:a00:0/104', null],
    ['example.com', null],
    ['', null],
    [7, null],
    [null, null],
  ])('is written so: %s', (text, parsed) => expect(networkOrNull(text)).toBe(parsed));

  it('holds the addresses with its first bits, and no others', () => {
    const address = fc.nat({ max: 0xffff_ffff });
    const text = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
    fc.assert(
      fc.property(address, fc.nat({ max: 32 }), fc.nat({ max: 31 }), (base, bits, flipped) => {
        const network = [`${text(base)}/${bits}`];
        const isInside = 31 - flipped >= bits;
        expect(isWithin(network, text(base))).toBe(true);
        expect(isWithin(network, text((base ^ (1 << flipped)) >>> 0))).toBe(isInside);
      }),
      { numRuns: 300, seed: 13 },
    );
  });

  it('holds nobody whose address is not known', () => {
    const all = ['0.0.0.0/0', '::/0'];
    expect([isWithin(all, null), isWithin(all, ''), isWithin(all, 'unknown')]).toEqual([false, false, false]);
    expect([isWithin(all, '192.0.2.7'), isWithin(all, '2001:db8::1'), isWithin([], '::1')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
