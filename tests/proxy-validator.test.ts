/** Headers of ours from outside: vectors, what is formatted parses, and what was changed on the way is found. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openNative } from '../bindings/native.ts';
import { openReference } from '../bindings/reference.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../src/config/value.ts';
import { configHeaders, DUMP_HEADER, HEADER_NAMES } from '../src/proxy/headers.ts';
import { validateHeaders } from '../src/proxy/validator.ts';

const CORES = { native: openNative(), reference: openReference() };
const core = CORES.native;

const u8 = (min: number, max: number) => fc.integer({ min, max });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyConfig: fc.Arbitrary<RegistryConfig> = fc.record({
  version: u8(0, 1),
  registryHash: u32,
  featureFlags: u32,
  terminalMode: u8(0, 3),
  rows: u8(1, 255),
  cols: u8(1, 255),
});

const DEFAULT_HEADERS = {
  'x-bun-config-version': '1',
  'x-bun-registry-hash': '0x930ed19a',
  'x-bun-feature-flags': '0x00000000',
  'x-bun-terminal-mode': '1',
  'x-bun-terminal-rows': '24',
  'x-bun-terminal-cols': '80',
  'x-bun-config-dump': '43313301019ad10e93000000000118500000000000000000e4698fab00b8242a',
} as const;

describe.each(Object.entries(CORES))('on the %s core', (_, backend) => {
  test('the default config is sent as published', () => {
    expect(configHeaders(DEFAULT_CONFIG, backend)).toEqual(DEFAULT_HEADERS);
  });

  test('what is formatted is valid and says the same', () => {
    fc.assert(
      fc.property(anyConfig, fc.subarray([...HEADER_NAMES]), (config, kept) => {
        const headers = configHeaders(config, backend);
        const sent = new Headers(kept.map((name) => [name, headers[name]]));
        const { isValid, errors, fields } = validateHeaders(sent, backend);
        expect({ isValid, errors }).toEqual({ isValid: true, errors: [] });
        expect(config).toMatchObject(fields);
        if (kept.includes(DUMP_HEADER)) expect(fields).toEqual(config);
        else expect(Object.keys(fields).length).toBe(kept.length);
      }),
      { seed: 42, numRuns: 200 },
    );
  });
});

test('the cores find the same faults', () => {
  const name = fc.constantFrom(...HEADER_NAMES, 'x-bun-config-dmup', 'x-bun-', 'accept');
  const value = fc.oneof(fc.stringMatching(/^(0x)?[0-9a-fA-F]{0,9}$/), fc.stringMatching(/^[ -~]{0,70}$/));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (pairs) => {
      const [one, other] = [validateHeaders(pairs, CORES.native), validateHeaders(pairs, CORES.reference)];
      expect(JSON.stringify(one)).toBe(JSON.stringify(other));
    }),
    { seed: 42, numRuns: 300 },
  );
});

test.each([
  ['X-Bun-Config-Version', '2'],
  ['X-Bun-Config-Version', '01'],
  ['X-Bun-Registry-Hash', '930ed19a'],
  ['X-Bun-Feature-Flags', '0x0000BFFF'],
  ['X-Bun-Terminal-Mode', '4'],
  ['X-Bun-Terminal-Rows', '0'],
  ['X-Bun-Terminal-Cols', '256'],
  ['X-Bun-Terminal-Cols', '80, 80'],
  ['X-Bun-Config-Dump', '00'],
  ['X-Bun-Config-Version', ''],
])('%s: %s is refused, and named', (name, value) => {
  const { isValid, errors, fields } = validateHeaders([[name, value]], core);
  expect({ isValid, fields }).toEqual({ isValid: false, fields: {} });
  expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HEADER' })]);
  expect(errors[0]!.details).toEqual({ header: name.toLowerCase(), value });
});

test('a changed digit of the dump is found', () => {
  fc.assert(
    fc.property(anyConfig, fc.nat(63), fc.integer({ min: 1, max: 15 }), (config, at, change) => {
      const dump = configHeaders(config, core)[DUMP_HEADER];
      const digit = (Number.parseInt(dump[at]!, 16) ^ change).toString(16);
      const { isValid } = validateHeaders([[DUMP_HEADER, dump.slice(0, at) + digit + dump.slice(at + 1)]], core);
      expect(isValid).toBe(false);
    }),
    { seed: 42, numRuns: 300 },
  );
});

test('headers of two configs do not pass as one', () => {
  fc.assert(
    fc.property(anyConfig, anyConfig, (one, other) => {
      const mixed = { ...configHeaders(one, core), [DUMP_HEADER]: configHeaders(other, core)[DUMP_HEADER] };
      const { errors, fields } = validateHeaders(Object.entries(mixed), core);
      const differing = Object.keys(one).filter(
        (field) => one[field as keyof RegistryConfig] !== fields[field as never],
      );
      expect(errors.length).toBe(differing.length);
      expect(errors.every(({ message }) => /says \d+, but x-bun-config-dump says \d+$/.test(message))).toBe(true);
    }),
    { seed: 42, numRuns: 200 },
  );
});

test('an unknown header of ours is refused with the nearest; others are nobody’s business', () => {
  const { errors } = validateHeaders(
    new Headers({ 'X-Bun-Terminal-Row': '24', 'x-request-id': '?', accept: '' }),
    core,
  );
  expect(errors).toEqual([expect.objectContaining({ hint: 'Did you mean x-bun-terminal-rows?' })]);
  const far = validateHeaders([['x-bun-something-of-another-kind', '']], core).errors[0]!;
  expect(far.hint).toMatch(/^Known headers: x-bun-config-version, /);
});

test('a header that is given twice is refused, also with one value', () => {
  const pairs = [
    ['X-Bun-Terminal-Rows', '24'],
    ['x-bun-terminal-rows', '24'],
  ] as const;
  expect(validateHeaders(pairs, core).errors.map(({ message }) => message)).toEqual([
    'x-bun-terminal-rows is given twice',
  ]);
});

test('no header is a valid set', () => {
  expect(validateHeaders(new Headers({ accept: 'x' }), core)).toEqual({ isValid: true, errors: [], fields: {} });
});
