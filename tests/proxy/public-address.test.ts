/** Which addresses are of networks that nobody outside has to do with. @module */
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/proxy/public-address.ts';

describe('an address', () => {
  it.each([
    [
      '0.0.0.0',
      '127.0.0.1',
      '127.255.0.1',
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ['192.168.0.1', '192.0.0.8', '198.18.0.1', '224.0.0.1', '255.255.255.255', 'localhost', ''],
    ['::', '::1', '::ffff:127.0.0.1', '::ffff:a00:1', '::7f00:1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fdff::1'],
    ['fec0::1', 'ff02::1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '2002:7f00:1::'],
  ])('of a closed network, or none: %s', (...closed) => {
    expect(closed.filter(isPublicAddress)).toEqual([]);
  });

  it('that anybody can reach', () => {
    const open = [
      '1.1.1.1',
      '100.128.0.1',
      '172.32.0.1',
      '192.0.2.1',
      '223.255.255.255',
      '2606:4700::1',
      '::ffff:8.8.8.8',
    ];
    expect(open.filter((address) => !isPublicAddress(address))).toEqual([]);
    expect(['64:ff9b::808:808', '2001:db8::1'].filter((address) => !isPublicAddress(address))).toEqual([]);
  });
});
