/** Flags as flagd files, and back. @module */
import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportFlags } from '../../src/flags/export.ts';
import { type Flag, NO_FACTS } from '../../src/flags/flag.ts';
import { ON_OFF, STAFF } from './fixtures.ts';
import { convert } from './import/fixtures.ts';

const text = fc.string({ minLength: 1, maxLength: 20 }).filter((one) => /^\P{C}+$/u.test(one));
const time = fc.nat({ max: 4_000_000_000_000 });
const definition = fc.constantFrom(
  ON_OFF,
  { ...ON_OFF, state: 'DISABLED', defaultVariant: null } as const,
  { ...ON_OFF, targeting: { if: [{ $ref: 'staff' }, 'on', null] } },
  { ...ON_OFF, targeting: {}, metadata: { team: 'shop', 'c13.other': 1 } },
);
const flag: fc.Arbitrary<Flag> = fc.record({
  definition,
  clientVisible: fc.boolean(),
  description: fc.option(text),
  owner: fc.option(text),
  tags: fc.uniqueArray(text, { maxLength: 4 }),
  expiresAt: fc.option(time),
  archivedAt: fc.option(time),
});
const key = fc
  .stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/)
  .filter((one) => !['constructor', 'prototype', '__proto__'].includes(one));
const set = { evaluators: { staff: STAFF }, metadata: { flagSetId: 'shop', version: '7' } };

test('with its facts, a file brings the same flags back', () => {
  fc.assert(
    fc.property(fc.dictionary(key, flag, { maxKeys: 5 }), (flags) => {
      const file = exportFlags(Object.entries(flags), set, { facts: true });
      const conversion = convert(JSON.stringify(file), { format: 'flagd' });
      expect(conversion.findings).toEqual([]);
      expect(Object.fromEntries(conversion.flags.map((one) => [one.key, one.flag]))).toEqual({ ...flags });
      expect(conversion.set).toEqual(set);
      expect(
        exportFlags(
          conversion.flags.map((one) => [one.key, one.flag!]),
          conversion.set,
          { facts: true },
        ),
      ).toEqual(file);
    }),
    { seed: 21, numRuns: 100 },
  );
});

test('with its facts, a file brings the same flags back whatever is there by then', () => {
  fc.assert(
    fc.property(fc.dictionary(key, fc.tuple(flag, flag), { maxKeys: 3 }), (pairs) => {
      const [flags, others] = [0, 1].map((i) => Object.entries(pairs).map(([name, pair]) => [name, pair[i]!] as const));
      const file = exportFlags(flags!, set, { facts: true });
      const conversion = convert(JSON.stringify(file), {}, { flags: new Map(others), set });
      const brought = Object.fromEntries(conversion.flags.map((one) => [one.key, one.flag]));
      expect(brought).toEqual(Object.fromEntries(flags!));
    }),
    { seed: 22, numRuns: 100 },
  );
});

test('without them, it is what flagd evaluates: flags in use, and nothing that people say', () => {
  const flags: [string, Flag][] = [
    ['old', { ...NO_FACTS, archivedAt: 1, definition: ON_OFF }],
    [
      'banner',
      {
        ...NO_FACTS,
        owner: 'ann',
        archivedAt: null,
        definition: { ...ON_OFF, targeting: { if: [{ $ref: 'staff' }, 'on', 'off'] } },
      },
    ],
  ];
  const file = exportFlags(flags, set, { facts: false });
  expect(file).toEqual({
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags: { banner: flags[1]![1].definition },
    $evaluators: set.evaluators,
    metadata: set.metadata,
  });
  const core = new FlagdCore();
  core.setConfigurations(JSON.stringify(file));
  const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
  const context = { email: 'a@example.com', targetingKey: 'a' };
  expect(core.resolveBooleanEvaluation('banner', false, context, quiet).value).toBe(true);
});

test('facts of our own that are none stay metadata', () => {
  const metadata = { 'c13.owner': 7, 'c13.tags': 'no list', 'c13.expiresAt': -1, 'c13.clientVisible': 'yes' };
  const file = { flags: { banner: { ...ON_OFF, metadata } } };
  const { flags, findings } = convert(JSON.stringify(file));
  expect([flags[0]!.flag, findings]).toEqual([
    { ...NO_FACTS, archivedAt: null, definition: { ...ON_OFF, metadata } },
    [],
  ]);
});
