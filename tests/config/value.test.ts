/** The 13 bytes: where fields lie, that nothing is lost on the way, and what changed. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONFIG_FIELD } from '../../bindings/abi.gen.ts';
import { murmur3 } from '../../bindings/murmur3.ts';
import {
  CHANGED_FIELDS,
  CONFIG_FIELDS,
  changedFields,
  configHex,
  decodeConfig,
  DEFAULT_CONFIG,
  encodeConfig,
  equalConfigs,
  fieldsOfMask,
  maskOfFields,
  parseConfigBytes,
  registryHashOf,
  terminalModeName,
  writeConfig,
  type ConfigField,
} from '../../src/config/value.ts';
import { anyBytes, anyConfig, SEEDED } from './arbitraries.ts';

describe('bytes', () => {
  test('the default config has the documented bytes', () => {
    expect([...encodeConfig(DEFAULT_CONFIG)]).toEqual([1, 0x9a, 0xd1, 0x0e, 0x93, 0, 0, 0, 0, 1, 24, 80, 0]);
  });

  test('the words of the config above the sign bit stay unsigned', () => {
    const config = { ...DEFAULT_CONFIG, registryHash: 0xfffffffe, featureFlags: 0x80000000 };
    expect(decodeConfig(encodeConfig(config))).toEqual(config);
  });

  test('encoding loses nothing', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        expect(decodeConfig(encodeConfig(config))).toEqual(config);
      }),
      SEEDED,
    );
  });

  test('any 13 bytes decode, and encode to themselves but for the reserved byte', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const again = encodeConfig(decodeConfig(bytes));
        expect([...again]).toEqual([...bytes.subarray(0, 12), 0]);
      }),
      SEEDED,
    );
  });

  test('decodes and writes within a larger buffer and touches nothing around', () => {
    const bytes = new Uint8Array(32).fill(0xee);
    writeConfig(DEFAULT_CONFIG, bytes, 4);
    expect(decodeConfig(bytes, 4)).toEqual(DEFAULT_CONFIG);
    expect([...bytes.subarray(0, 4), ...bytes.subarray(17)]).toEqual(Array.from({ length: 19 }, () => 0xee));
  });

  test.each<[ConfigField, number]>([
    ['version', 256],
    ['rows', -1],
    ['cols', 1.5],
    ['terminalMode', Number.NaN],
    ['registryHash', 2 ** 32],
    ['featureFlags', -1],
    ['featureFlags', 0.5],
  ])('encoding refuses %s %d instead of cutting it', (field, value) => {
    expect(() => encodeConfig({ ...DEFAULT_CONFIG, [field]: value })).toThrow(RangeError);
  });
});

describe('parseConfigBytes', () => {
  test('takes exactly 13 bytes', () => {
    expect(parseConfigBytes(encodeConfig(DEFAULT_CONFIG))).toEqual(DEFAULT_CONFIG);
  });

  test.each([0, 1, 12, 14, 32])('refuses %i bytes', (length) => {
    expect(() => parseConfigBytes(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_LENGTH', details: { length, expected: 13 } }),
    );
  });

  test('refuses a reserved byte, which writing back would lose', () => {
    const bytes = encodeConfig(DEFAULT_CONFIG);
    bytes[12] = 7;
    expect(() => parseConfigBytes(bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: 'Invalid reserved byte: 7 (must be 0)' }),
    );
  });

  test('decodeConfig refuses to read past the end', () => {
    expect(() => decodeConfig(new Uint8Array(20), 8)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_LENGTH' }));
  });
});

describe('changes', () => {
  test('changedFields names exactly the fields that differ', () => {
    fc.assert(
      fc.property(anyConfig, anyConfig, fc.subarray(CONFIG_FIELDS.map(({ name }) => name)), (before, other, fields) => {
        const after = { ...before };
        for (const field of fields) after[field] = other[field];
        const expected = fields.filter((field) => before[field] !== other[field]);
        expect(new Set(changedFields(before, after))).toEqual(new Set(expected));
        expect(equalConfigs(before, after)).toBe(expected.length === 0);
      }),
      SEEDED,
    );
  });

  test('a mask of the core names fields in the order of its bits, the rollouts last', () => {
    const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    for (const [name, bit] of Object.entries(CONFIG_FIELD)) expect(CHANGED_FIELDS[bit]).toBe(camel(name));
    for (let mask = 0; mask < 128; mask++) expect(maskOfFields(fieldsOfMask(mask))).toBe(mask);
    expect(fieldsOfMask(0b1010100)).toEqual(['featureFlags', 'rows', 'rollouts']);
    expect(fieldsOfMask(0)).toEqual([]);
  });
});

describe('forms', () => {
  test('configHex is 0x and 26 digits, and reads back', () => {
    expect(configHex(DEFAULT_CONFIG)).toBe('0x019ad10e930000000001185000');
    fc.assert(
      fc.property(anyConfig, (config) => {
        const hex = configHex(config);
        expect(hex).toMatch(/^0x[0-9a-f]{26}$/);
        expect(decodeConfig(Uint8Array.fromHex(hex.slice(2)))).toEqual(config);
      }),
      SEEDED,
    );
  });

  test('terminal modes have names, unknown bytes none', () => {
    expect([0, 1, 2, 3, 4, 255].map(terminalModeName)).toEqual(['disabled', 'cooked', 'raw', 'pipe', null, null]);
  });

  test('a registry hashes alike with and without trailing slashes', () => {
    const hash = registryHashOf('http://127.0.0.1:4873', { murmur3 });
    expect(hash).toBe(murmur3(new TextEncoder().encode('http://127.0.0.1:4873'), 0x9747b28c));
    expect(registryHashOf('http://127.0.0.1:4873/', { murmur3 })).toBe(hash);
    expect(registryHashOf('http://127.0.0.1:4873//', { murmur3 })).toBe(hash);
  });

  test.each(['', 'localhost:4873', 'ftp://a.example', 'https://', 'https:// a'])('%j is no registry', (url) => {
    expect(() => registryHashOf(url, { murmur3 })).toThrow(expect.objectContaining({ code: 'ERR_WRONG_TYPE' }));
  });
});
