/** Whose address is believed: attacks on the forwarding headers, and the forms that real proxies write. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey, canonicalAddress, clientAddress, TrustedProxies } from '../../src/http/client-address.ts';

const trusted = new TrustedProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8', '::1']);

function seen(peer: string, headers: Record<string, string> = {}): string {
  return clientAddress(peer, new Headers(headers), trusted);
}

describe('a peer that is no proxy of ours', () => {
  test.each([
    [{ 'x-forwarded-for': '1.1.1.1' }],
    [{ forwarded: 'for=1.1.1.1' }],
    [{ 'x-forwarded-for': '10.0.0.9' }],
    [{ 'x-real-ip': '1.1.1.1', 'cf-connecting-ip': '1.1.1.1', 'true-client-ip': '1.1.1.1' }],
  ])('is not believed: %j', (headers) => {
    expect(seen('203.0.113.5', headers)).toBe('203.0.113.5');
    expect(seen('::ffff:203.0.113.5', headers)).toBe('203.0.113.5');
  });

  test('nobody is trusted by default', () => {
    const headers = new Headers({ 'x-forwarded-for': '1.1.1.1' });
    expect(clientAddress('127.0.0.1', headers, new TrustedProxies([]))).toBe('127.0.0.1');
  });
});

describe('behind a trusted proxy', () => {
  test.each([
    ['the one address', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
    [
      'what the client claimed comes first and counts for nothing',
      { 'x-forwarded-for': '1.1.1.1, 2.2.2.2' },
      '2.2.2.2',
    ],
    ['a claim to be a proxy of ours', { 'x-forwarded-for': '10.9.9.9, 2.2.2.2' }, '2.2.2.2'],
    ['a chain of proxies', { 'x-forwarded-for': '1.1.1.1, 2.2.2.2, 10.0.0.3,192.168.1.1' }, '2.2.2.2'],
    ['only proxies: the first of them', { 'x-forwarded-for': '10.0.0.8, 10.0.0.3' }, '10.0.0.8'],
    ['a port', { 'x-forwarded-for': '198.51.100.7:4711' }, '198.51.100.7'],
    ['IPv6', { 'x-forwarded-for': '2001:DB8:0:0::1' }, '2001:db8::1'],
    ['IPv6 with a port', { 'x-forwarded-for': '[2001:db8::1]:443' }, '2001:db8::1'],
    ['IPv4 mapped into IPv6', { 'x-forwarded-for': '::ffff:198.51.100.7' }, '198.51.100.7'],
    ['a proxy mapped into IPv6', { 'x-forwarded-for': '2.2.2.2, ::ffff:10.0.0.7' }, '2.2.2.2'],
    [
      'Forwarded',
      { forwarded: 'for=1.1.1.1;proto=http, proto=https;For="[2001:db8::1]:4711";by=10.0.0.1' },
      '2001:db8::1',
    ],
    ['both headers, when they agree', { forwarded: 'for=2.2.2.2', 'x-forwarded-for': '1.1.1.1, 2.2.2.2' }, '2.2.2.2'],
  ])('%s', (_, headers, expected) => {
    expect(seen('10.0.0.1', headers)).toBe(expected);
    expect(seen('::ffff:10.0.0.1', headers)).toBe(expected);
  });

  test.each([
    ['no header', {}],
    ['an empty one', { 'x-forwarded-for': '' }],
    ['garbage', { 'x-forwarded-for': 'let me in' }],
    ['garbage last', { 'x-forwarded-for': '1.1.1.1, x' }],
    ['an empty last hop', { 'x-forwarded-for': '1.1.1.1,' }],
    ['a port alone', { 'x-forwarded-for': ':80' }],
    ['a number too large', { 'x-forwarded-for': '1.1.1.256' }],
    ['octal', { 'x-forwarded-for': '010.1.1.1' }],
    ['a whole network', { 'x-forwarded-for': '1.1.1.0/24' }],
    ['a host', { 'x-forwarded-for': 'example.com' }],
    ['what goes on for ever', { 'x-forwarded-for': '1.1.1.1,'.repeat(2000) }],
    ['unknown', { forwarded: 'for=unknown' }],
    ['a hidden name', { forwarded: 'for=_secret' }],
    ['no for', { forwarded: 'proto=https' }],
    ['two of them', { forwarded: 'for=1.1.1.1;for=2.2.2.2' }],
    ['an open quote', { forwarded: 'for="1.1.1.1' }],
    ['a header of the client beside that of the proxy', { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '2.2.2.2' }],
    ['a broken one beside that of the proxy', { forwarded: 'x', 'x-forwarded-for': '2.2.2.2' }],
  ])('%s: the peer', (_, headers) => {
    expect(seen('10.0.0.1', headers)).toBe('10.0.0.1');
  });

  test('no header makes it throw, or answer what is no address', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,60}$/), fc.stringMatching(/^[ -~]{0,60}$/), (one, other) => {
        const found = seen('10.0.0.1', { 'x-forwarded-for': one, forwarded: other });
        expect(canonicalAddress(found)).toBe(found);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe('keys', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0/64'],
    ['2001:db8:0:1::', '2001:db8:0:1/64'],
    ['::1', '0:0:0:0/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2/64'],
  ])('%s is counted as %s', (address, key) => expect(addressKey(address)).toBe(key));

  test('every address of a /64 has one key, and the next /64 another', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const text = (groups: number[]) => canonicalAddress(groups.map((value) => value.toString(16)).join(':'))!;
    fc.assert(
      fc.property(fc.tuple(group, group, group, group), fc.tuple(group, group, group, group), (network, host) => {
        fc.pre(network.some((value) => value !== 0));
        const key = addressKey(text([...network, ...host]));
        expect(addressKey(text([...network, 0, 0, 0, 1]))).toBe(key);
        expect(addressKey(text([network[0], network[1], network[2], network[3] ^ 1, ...host]))).not.toBe(key);
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  test.each([
    ['::FFFF:1.2.3.4', '1.2.3.4'],
    ['::ffff:102:304', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['localhost', null],
    ['', null],
  ])('%s is %s', (address, canonical) => expect(canonicalAddress(address)).toBe(canonical));
});
