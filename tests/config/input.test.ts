/** The border: what objects from outside become, and the stable error each bad one gets. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openReference } from '../../bindings/reference.ts';
import { isConfigError } from '../../src/errors/errors.ts';
import { defineFeatures } from '../../src/config/features.ts';
import { fieldsOfInput, parseConfigInput, readConfigInput } from '../../src/config/input.ts';
import { configHex, DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
import { anyConfig, SEEDED, validConfig } from './arbitraries.ts';

describe('parseConfigInput', () => {
  test('fills what is left out from the current config', () => {
    expect(parseConfigInput({ version: 1, featureFlags: 7 }, { ...DEFAULT_CONFIG, rows: 50 })).toEqual({
      ...DEFAULT_CONFIG,
      featureFlags: 7,
      rows: 50,
    });
    expect(parseConfigInput({}, DEFAULT_CONFIG)).toEqual(DEFAULT_CONFIG);
  });

  test('takes names and hexadecimal words', () => {
    const config = parseConfigInput(
      { terminalMode: 'raw', registryHash: '0x930ED19A', featureFlags: '0xff' },
      { ...DEFAULT_CONFIG, registryHash: 0 },
    );
    expect(config).toEqual({ ...DEFAULT_CONFIG, terminalMode: 2, featureFlags: 255 });
  });

  test('features by name come after the flags and leave the rest', () => {
    const features = defineFeatures({ new_checkout: 31 });
    const config = parseConfigInput(
      { featureFlags: 0b110, features: { debug: false, metrics: true, new_checkout: true } },
      DEFAULT_CONFIG,
      features,
    );
    expect(config.featureFlags).toBe(0x80000042);
  });

  test('a whole valid config is taken as it is', () => {
    fc.assert(
      fc.property(validConfig, (config) => {
        expect(parseConfigInput(config, DEFAULT_CONFIG)).toEqual(config);
      }),
      SEEDED,
    );
  });

  test('the zero of JSON that has a sign becomes 0', () => {
    expect(Object.is(parseConfigInput(JSON.parse('{"version":-0}'), DEFAULT_CONFIG).version, 0)).toBe(true);
  });

  test.each<[unknown, string, string]>([
    [null, 'ERR_WRONG_TYPE', 'Invalid config: null (must be an object)'],
    [[], 'ERR_WRONG_TYPE', 'Invalid config: array (must be an object)'],
    ['x', 'ERR_WRONG_TYPE', 'Invalid config: string "x" (must be an object)'],
    [{ rows: 0 }, 'ERR_OUT_OF_RANGE', 'Invalid rows: 0 (must be 1-255)'],
    [{ rows: 256 }, 'ERR_OUT_OF_RANGE', 'Invalid rows: 256 (must be 1-255)'],
    [{ cols: 2.5 }, 'ERR_OUT_OF_RANGE', 'Invalid cols: 2.5 (must be 1-255)'],
    [{ cols: Number.NaN }, 'ERR_OUT_OF_RANGE', 'Invalid cols: NaN (must be 1-255)'],
    [{ version: 2 }, 'ERR_OUT_OF_RANGE', 'Invalid version: 2 (must be 0-1)'],
    [{ terminalMode: 4 }, 'ERR_OUT_OF_RANGE', 'Invalid terminalMode: 4 (must be 0-3)'],
    [{ featureFlags: -1 }, 'ERR_OUT_OF_RANGE', 'Invalid featureFlags: -1 (must be 0-4294967295)'],
    [{ registryHash: 2 ** 32 }, 'ERR_OUT_OF_RANGE', 'Invalid registryHash: 4294967296 (must be 0-4294967295)'],
    [{ rows: '24' }, 'ERR_WRONG_TYPE', 'Invalid rows: string "24" (must be a number)'],
    [{ rows: null }, 'ERR_WRONG_TYPE', 'Invalid rows: null (must be a number)'],
    [{ registryHash: '0x123456789' }, 'ERR_WRONG_TYPE', expect.stringContaining('hexadecimal digits') as string],
    [{ terminalMode: 'raww' }, 'ERR_WRONG_TYPE', expect.stringContaining('disabled, cooked, raw, pipe') as string],
    [{ terminalMode: 'constructor' }, 'ERR_WRONG_TYPE', expect.stringContaining('constructor') as string],
    [{ features: ['debug'] }, 'ERR_WRONG_TYPE', 'Invalid features: array (must be an object)'],
    [{ features: { debug: 1 } }, 'ERR_WRONG_TYPE', 'Invalid features.debug: number (must be true or false)'],
    [{ features: { debgu: true } }, 'ERR_UNKNOWN_FEATURE', expect.stringContaining('Unknown feature: debgu') as string],
    [JSON.parse('{"__proto__":{"rows":1}}'), 'ERR_UNKNOWN_FIELD', expect.stringContaining('__proto__') as string],
  ])('%j is refused', (input, code, message) => {
    expect(() => parseConfigInput(input, DEFAULT_CONFIG)).toThrow(expect.objectContaining({ code, message }));
  });

  test('an unknown field names the nearest known one', () => {
    expect(() => parseConfigInput({ row: 24 }, DEFAULT_CONFIG)).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_FIELD', hint: "Did you mean 'rows'?" }),
    );
  });
});

describe('readConfigInput', () => {
  test('collects every error and keeps the current value of each wrong field', () => {
    const { config, errors } = readConfigInput({ rows: 0, cols: 'x', colour: 1, version: 0 }, DEFAULT_CONFIG);
    expect(errors.map(({ code }) => code)).toEqual(['ERR_UNKNOWN_FIELD', 'ERR_OUT_OF_RANGE', 'ERR_WRONG_TYPE']);
    expect(config).toEqual({ ...DEFAULT_CONFIG, version: 0 });
  });

  test('whatever arrives, it throws only errors with a code, and the current config is untouched', () => {
    const known = fc.constantFrom(
      'version',
      'registryHash',
      'featureFlags',
      'terminalMode',
      'rows',
      'cols',
      'features',
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.dictionary(fc.oneof(known, fc.string()), fc.anything())),
        anyConfig,
        (input, current) => {
          const frozen = Object.freeze({ ...current });
          for (const error of readConfigInput(input, frozen).errors) expect(isConfigError(error)).toBe(true);
        },
      ),
      SEEDED,
    );
  });
});

describe('fieldsOfInput', () => {
  const backend = openReference();
  const everything = fc.oneof(fc.anything(), fc.record({ hex: fc.string() }), fc.record({ record: fc.string() }));

  test('reads every config back from its bytes and from its record', () => {
    fc.assert(
      fc.property(validConfig, (config) => {
        expect(fieldsOfInput({ hex: configHex(config) }, backend)).toEqual(config);
        const record = backend.recordSeal(encodeConfig(config)).toHex();
        expect(fieldsOfInput({ record }, backend)).toEqual(config);
      }),
      SEEDED,
    );
  });

  test('hands on what holds no bytes, and refuses the rest with a code', () => {
    fc.assert(
      fc.property(everything, (input) => {
        try {
          expect(fieldsOfInput(input, backend)).toBe(input);
        } catch (error) {
          expect(isConfigError(error)).toBe(true);
        }
      }),
      SEEDED,
    );
  });
});
