/** Migration keeps what a config means, logs what it changed, and refuses what it would lose. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { BUILTIN_FEATURES, defineFeatures } from '../../src/config/features.ts';
import { checkMigration, migrate, type Migration } from '../../src/config/migrations.ts';
import { STRUCTURE_RULES } from '../../src/config/rules.ts';
import { validate } from '../../src/config/validation.ts';
import { changedFields, DEFAULT_CONFIG } from '../../src/config/value.ts';
import { anyConfig, SEEDED, validConfig } from './arbitraries.ts';

const legacy = { ...DEFAULT_CONFIG, version: 0 };

describe('legacy to modern', () => {
  test('writes the defaults out and says so', () => {
    const { config, log } = migrate({ ...legacy, registryHash: 0, rows: 0, featureFlags: 0x84 }, 1);
    expect(config).toEqual({ ...DEFAULT_CONFIG, featureFlags: 0x84 });
    expect(log).toEqual([
      {
        from: 0,
        to: 1,
        description: expect.any(String),
        changes: [
          { field: 'version', before: 0, after: 1 },
          { field: 'registryHash', before: 0, after: 0x930ed19a },
          { field: 'rows', before: 0, after: 24 },
        ],
      },
    ]);
  });

  test('13 zero bytes are a legacy config with everything off', () => {
    const zeros = { version: 0, registryHash: 0, featureFlags: 0, terminalMode: 0, rows: 0, cols: 0 };
    expect(migrate(zeros, 1).config).toEqual({ ...DEFAULT_CONFIG, terminalMode: 0 });
  });

  test('gives a valid config, keeping features and terminal mode, or refuses', () => {
    fc.assert(
      fc.property(anyConfig, (any) => {
        const before = { ...any, version: 0 };
        if (any.terminalMode > 3) {
          expect(() => migrate(before, 1)).toThrow(expect.objectContaining({ code: 'ERR_MIGRATION' }));
          return;
        }
        const { config, log } = migrate(before, 1);
        expect(validate(config, {}, STRUCTURE_RULES).isValid).toBe(true);
        expect(config).toMatchObject({ featureFlags: any.featureFlags, terminalMode: any.terminalMode });
        expect(log[0]!.changes.map(({ field }) => field)).toEqual(changedFields(before, config));
      }),
      SEEDED,
    );
  });
});

describe('modern to legacy', () => {
  test('comes back unchanged when it is allowed at all', () => {
    fc.assert(
      fc.property(validConfig, (any) => {
        const modern = { ...any, version: 1 };
        const { compatible, path, obstacle } = checkMigration(modern, 0);
        expect(compatible).toBe(modern.featureFlags <= 0xff && modern.registryHash !== 0);
        if (!compatible) {
          expect([path, typeof obstacle]).toEqual([[], 'string']);
          return;
        }
        expect(path).toEqual([1, 0]);
        expect(migrate(migrate(modern, 0).config, 1).config).toEqual(modern);
      }),
      { ...SEEDED, examples: [[{ ...DEFAULT_CONFIG, featureFlags: 0xff }]] },
    );
  });

  test.each([{ featureFlags: 0x100 }, { featureFlags: 0x80000000 }, { registryHash: 0 }])(
    'is refused where %j would be lost',
    (lost) => {
      expect(() => migrate({ ...DEFAULT_CONFIG, ...lost }, 0)).toThrow(
        expect.objectContaining({ code: 'ERR_MIGRATION' }),
      );
    },
  );

  test('names the features that legacy does not know', () => {
    const features = defineFeatures({ new_checkout: 12 });
    const config = { ...DEFAULT_CONFIG, featureFlags: 0x1204 };
    expect(() => migrate(config, 0, features)).toThrow(
      expect.objectContaining({
        code: 'ERR_MIGRATION',
        message: 'Cannot migrate a config from version 1 to 0: version 0 does not know encryption, new_checkout',
        details: { from: 1, to: 0 },
      }),
    );
  });
});

describe('the framework', () => {
  const step = (from: number, to: number): Migration => ({
    from,
    to,
    description: `${from} to ${to}`,
    obstacle: ({ rows }) => (rows === 13 ? '13 rows' : null),
    apply: (config) => ({ ...config, rows: config.rows + 1 }),
  });
  const steps = [step(0, 1), step(1, 2), step(2, 3), step(1, 3), step(3, 0)];

  test('takes the fewest steps and logs each', () => {
    const { config, log } = migrate(legacy, 3, BUILTIN_FEATURES, steps);
    expect(log.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 3],
    ]);
    expect(config).toEqual({ ...legacy, version: 3, rows: 26 });
  });

  test('a step on the way may refuse, and the config given is untouched', () => {
    const config = Object.freeze({ ...legacy, rows: 12 });
    expect(() => migrate(config, 3, BUILTIN_FEATURES, steps)).toThrow(/from version 0 to 3: 13 rows/);
    expect(config.rows).toBe(12);
  });

  test('to the version it has is no step at all', () => {
    expect(migrate(legacy, 0)).toEqual({ config: legacy, log: [] });
  });

  test('where no steps lead is an error with a code', () => {
    for (const to of [2, -1, 0.5, Number.NaN, 255]) {
      expect(() => migrate(DEFAULT_CONFIG, to)).toThrow(expect.objectContaining({ code: 'ERR_MIGRATION' }));
      expect(checkMigration(DEFAULT_CONFIG, to).compatible).toBe(false);
    }
  });

  test('throws nothing but ERR_MIGRATION for any config and version', () => {
    fc.assert(
      fc.property(anyConfig, fc.integer({ min: -1, max: 3 }), (config, to) => {
        try {
          expect(migrate(config, to).config.version).toBe(to);
        } catch (error) {
          expect(isConfigError(error) && error.code).toBe('ERR_MIGRATION');
        }
      }),
      SEEDED,
    );
  });
});
