/** What travels with a config: the checksum of its record, and where it lives. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openReference } from '../../bindings/reference.ts';
import { checksumOf, enhanceConfig, parsePlace, verifyChecksum } from '../../src/config/metadata.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
import { anyConfig, SEEDED } from './arbitraries.ts';

const backend = openReference();
const place = { environment: 'production', region: 'eu', clusterId: 'c1' };

describe('checksum', () => {
  test('is the CRC-64 of the first 24 bytes of the record, 16 digits', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        const record = new Uint8Array(24);
        record.set([0x43, 0x31, 0x33, 1]);
        record.set(encodeConfig(config), 4);
        const checksum = checksumOf(config, backend);
        expect(checksum).toMatch(/^[0-9a-f]{16}$/);
        expect(BigInt(`0x${checksum}`)).toBe(backend.crc64(record));
      }),
      SEEDED,
    );
  });

  test('finds any changed field', () => {
    const enhanced = enhanceConfig(DEFAULT_CONFIG, place, 1, backend);
    verifyChecksum(enhanced, backend);
    for (const { name } of CONFIG_FIELDS) {
      expect(() => verifyChecksum({ ...enhanced, [name]: (enhanced[name] ^ 1) >>> 0 }, backend)).toThrow(
        expect.objectContaining({ code: 'ERR_RECORD_CHECKSUM' }),
      );
    }
    expect(() => verifyChecksum({ ...enhanced, checksum: '' }, backend)).toThrow(
      expect.objectContaining({ code: 'ERR_RECORD_CHECKSUM' }),
    );
  });
});

describe('enhanceConfig', () => {
  test('adds when and where to the fields', () => {
    expect(enhanceConfig(DEFAULT_CONFIG, place, 1_700_000_000_000, backend)).toEqual({
      ...DEFAULT_CONFIG,
      ...place,
      lastModified: 1_700_000_000_000,
      checksum: checksumOf(DEFAULT_CONFIG, backend),
    });
  });

  test('what was not said is empty text', () => {
    expect(enhanceConfig(DEFAULT_CONFIG, {}, 0, backend)).toMatchObject({ environment: '', region: '', clusterId: '' });
  });
});

describe('parsePlace', () => {
  test('takes words, and nothing for nothing', () => {
    expect(parsePlace(place)).toEqual(place);
    expect(parsePlace({ environment: '' })).toEqual({ environment: '', region: '', clusterId: '' });
  });

  test.each<unknown>([1, null, ' ', 'a b', 'a\n', '-a', '../a', 'a'.repeat(64)])('%j is no region', (region) => {
    expect(() => parsePlace({ region })).toThrow(
      expect.objectContaining({ code: 'ERR_WRONG_TYPE', details: expect.objectContaining({ field: 'region' }) }),
    );
  });
});
