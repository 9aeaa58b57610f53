/** Each built-in rule, on a config that breaks it and one that does not. The codes are a contract. @module */
import { describe, expect, test } from 'vitest';
import { BUILTIN_FEATURES, defineFeatures } from '../../src/config/features.ts';
import { isProduction, RULES } from '../../src/config/rules.ts';
import { noRollouts, withRollout } from '../../src/config/rollout.ts';
import { findTemplate } from '../../src/config/templates.ts';
import { validate, type ValidationContext } from '../../src/config/validation.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';

const PRODUCTION = findTemplate('production').set;
const flags = (...names: string[]): number => BUILTIN_FEATURES.masksOf(names);
const production = { environment: 'production' };
const features = defineFeatures({ new_checkout: 12 });

interface Case {
  breaks: Partial<RegistryConfig>;
  keeps?: Partial<RegistryConfig>;
  context?: Partial<ValidationContext>;
  /** Where the surroundings break the rule, those that keep it. */
  otherContext?: Partial<ValidationContext>;
}

const CASES: Readonly<Record<string, Case>> = {
  CONFIG_VERSION: { breaks: { version: 2 } },
  CONFIG_TERMINAL_MODE: { breaks: { terminalMode: 4 } },
  CONFIG_ROWS: { breaks: { rows: 0 } },
  CONFIG_COLS: { breaks: { cols: 0 } },
  ROLLOUT_RANGE: {
    breaks: {},
    context: { rollouts: Uint16Array.from({ length: 32 }, () => 10_001) },
    otherContext: { rollouts: Uint16Array.from({ length: 32 }, () => 10_000) },
  },
  PRODUCTION_DEBUG: { breaks: { featureFlags: PRODUCTION | flags('debug') }, context: production },
  PRODUCTION_VERBOSE: { breaks: { featureFlags: PRODUCTION | flags('verbose') }, context: production },
  PRODUCTION_BETA: { breaks: { featureFlags: PRODUCTION | flags('beta_feature') }, context: production },
  PRODUCTION_ENCRYPTION: { breaks: { featureFlags: PRODUCTION & ~flags('encryption') }, context: production },
  PRODUCTION_LOGGING: { breaks: { featureFlags: PRODUCTION & ~flags('logging') }, context: production },
  PRODUCTION_METRICS: { breaks: { featureFlags: PRODUCTION & ~flags('metrics') }, context: production },
  PRODUCTION_RAW_TERMINAL: { breaks: { terminalMode: 2 }, context: production },
  FEATURE_VERBOSE_LOGGING: { breaks: { featureFlags: flags('verbose') } },
  FEATURE_DEBUG_LOGGING: { breaks: { featureFlags: flags('debug') } },
  FEATURE_PREMIUM_REGISTRY: { breaks: { featureFlags: flags('premium_types') } },
  FEATURE_REGISTRY_ENCRYPTION: { breaks: { featureFlags: flags('private_registry') } },
  FEATURE_PROXY_CACHE: { breaks: { featureFlags: flags('proxy_mode') } },
  FEATURE_MAINTENANCE: { breaks: { featureFlags: flags('maintenance_mode') } },
  FEATURE_UNDECLARED: { breaks: { featureFlags: 1 << 13 }, keeps: { featureFlags: 1 << 12 }, context: { features } },
  ROLLOUT_SHADOWED: {
    breaks: { featureFlags: 1 << 12 },
    keeps: { featureFlags: 0 },
    context: { features, rollouts: withRollout(noRollouts(), 12, 1000) },
  },
  TERMINAL_FEW_ROWS: { breaks: { rows: 9 }, keeps: { rows: 10 } },
  TERMINAL_FEW_COLS: { breaks: { cols: 39 }, keeps: { cols: 40 } },
  TERMINAL_LARGE: { breaks: { rows: 200, cols: 101 }, keeps: { rows: 200, cols: 100 } },
  VERSION_LEGACY: { breaks: { version: 0 } },
  REGISTRY_UNSET: { breaks: { registryHash: 0 } },
  ENVIRONMENT_MISSPELT: {
    breaks: {},
    context: { environment: 'prodution' },
    otherContext: { environment: 'pre-production' },
  },
  ENVIRONMENT_MISMATCH: {
    breaks: {},
    context: { name: 'checkout/staging', environment: 'production' },
    otherContext: { name: 'checkout/production', environment: 'production' },
  },
  STAGING_ENCRYPTION: { breaks: {}, keeps: { featureFlags: flags('encryption') }, context: { environment: 'staging' } },
};

test('every rule has a case, a code of its own, a path and a hint', () => {
  expect(RULES.map(({ code }) => code)).toEqual(Object.keys(CASES));
  for (const { path, hint } of RULES) expect(path.length * hint.length).toBeGreaterThan(0);
});

describe.each(Object.entries(CASES))('%s', (code, { breaks, keeps, context = {}, otherContext }) => {
  const rule = RULES.find((known) => known.code === code)!;
  const foundIn = (config: Partial<RegistryConfig>, around: Partial<ValidationContext>): string[] => {
    const { errors, warnings } = validate({ ...DEFAULT_CONFIG, ...config }, around);
    return (rule.severity === 'error' ? errors : warnings).map((issue) => issue.code);
  };

  test('is found', () => expect(foundIn(breaks, context)).toContain(code));

  test('is not found where all is well', () => {
    const whole = context === production ? { featureFlags: PRODUCTION } : (keeps ?? {});
    expect(foundIn(whole, otherContext ?? context)).not.toContain(code);
  });
});

test('a disabled terminal has no dimensions to judge', () => {
  expect(validate({ ...DEFAULT_CONFIG, terminalMode: 0, rows: 1, cols: 1 }).warnings).toEqual([]);
});

test.each([
  ['production', true],
  ['prod', true],
  ['prod-eu', true],
  ['production.eu', true],
  ['products', false],
  ['preprod', false],
  ['development', false],
  [undefined, false],
])('%s is production: %s', (environment, expected) => expect(isProduction(environment)).toBe(expected));
