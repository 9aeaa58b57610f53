/**
 * The built-in rules, one table: the codes, severities and paths listed here are stable and are the
 * documentation of what validation finds. How rules are run is `validation.ts`.
 * @module
 */
import { TERMINAL_MODE } from '../../bindings/abi.gen.ts';
import { nearest } from '../errors/nearest.ts';
import { bitsOf, BUILTIN_FEATURES, BUILTIN_MASK, type BuiltinFeature } from './features.ts';
import { parseConfigName } from './name.ts';
import { FULL_ROLLOUT } from './rollout.ts';
import type { Rule, ValidationContext } from './validation.ts';
import { CONFIG_FIELDS, type ConfigField, type RegistryConfig } from './value.ts';

/** Below this a shell prompt and a stack trace do not fit side by side with anything. */
const USABLE_ROWS = 10;
const USABLE_COLS = 40;
/** Character cells: above this a full redraw is noticeable over a network. */
const FAST_CELLS = 20_000;

export function isProduction(environment: string | undefined): boolean {
  return environment !== undefined && /^prod(uction)?([._-].*)?$/.test(environment);
}

/** The bytes make sense at all. Always errors. */
const STRUCTURE: readonly Rule[] = [
  range('CONFIG_VERSION', 'version'),
  range('CONFIG_TERMINAL_MODE', 'terminalMode'),
  range('CONFIG_ROWS', 'rows'),
  range('CONFIG_COLS', 'cols'),
  {
    code: 'ROLLOUT_RANGE',
    severity: 'error',
    path: 'rollouts',
    hint: 'Set the rollout again, 0-100 %.',
    check: (_, { rollouts, features }) => {
      const bit = rollouts?.findIndex((basisPoints) => basisPoints > FULL_ROLLOUT) ?? -1;
      return bit < 0 ? null : `Rollout of ${features.nameOf(bit)} is over 100 %`;
    },
  },
];

/** What a production environment asks for. Debug output shows secrets, so it alone is an error. */
const PRODUCTION: readonly Rule[] = [
  { ...unwanted('PRODUCTION_DEBUG', 'debug', 'shows internals to users'), severity: 'error' },
  unwanted('PRODUCTION_VERBOSE', 'verbose', 'fills the logs'),
  unwanted(
    'PRODUCTION_BETA',
    'beta_feature',
    'gives unfinished features to everyone; roll it out to a part of the users instead',
  ),
  missing('PRODUCTION_ENCRYPTION', 'encryption', 'secrets are kept and sent in plain text'),
  missing('PRODUCTION_LOGGING', 'logging', 'nothing tells what happened'),
  missing('PRODUCTION_METRICS', 'metrics', 'nothing is measured and no alert can fire'),
  {
    code: 'PRODUCTION_RAW_TERMINAL',
    severity: 'warning',
    path: 'terminalMode',
    hint: 'Use cooked, pipe or disabled.',
    applies: inProduction,
    check: ({ terminalMode }) =>
      terminalMode === TERMINAL_MODE.raw ? 'Raw terminal in production: Ctrl-C does not reach the program' : null,
  },
];

/** Features that are of no use, or dangerous, without another one. */
const DEPENDENCIES: readonly Rule[] = [
  needs('FEATURE_VERBOSE_LOGGING', 'verbose', 'logging', 'verbose says more in the log, and there is no log'),
  needs('FEATURE_DEBUG_LOGGING', 'debug', 'logging', 'debug output goes to the log, and there is no log'),
  needs('FEATURE_PREMIUM_REGISTRY', 'premium_types', 'private_registry', 'premium types are published privately only'),
  needs(
    'FEATURE_REGISTRY_ENCRYPTION',
    'private_registry',
    'encryption',
    "private packages' tokens would be sent in plain text",
  ),
  needs('FEATURE_PROXY_CACHE', 'proxy_mode', 'cache_enabled', 'every request would go to the upstream registry'),
  {
    code: 'FEATURE_MAINTENANCE',
    severity: 'warning',
    path: 'featureFlags.maintenance_mode',
    hint: 'Turn maintenance_mode off when the work is done.',
    check: (config) => (has(config, 'maintenance_mode') ? 'Maintenance mode is on: users are turned away' : null),
  },
  {
    code: 'FEATURE_UNDECLARED',
    severity: 'warning',
    path: 'featureFlags',
    hint: 'Declare the bits in features, or turn them off.',
    check: ({ featureFlags }, { features }) => {
      const known = features.masksOf(features.names);
      const names = features.enabledIn(featureFlags & ~BUILTIN_MASK & ~known);
      return names.length === 0 ? null : `On, but not declared by this service: ${names.join(', ')}`;
    },
  },
  {
    code: 'ROLLOUT_SHADOWED',
    severity: 'warning',
    path: 'rollouts',
    hint: 'Turn the feature off to let the rollout decide, or set the rollout to 0.',
    check: ({ featureFlags }, { rollouts, features }) => {
      const shadowed = bitsOf(featureFlags).filter((bit) => (rollouts?.[bit] ?? 0) % FULL_ROLLOUT > 0);
      const names = shadowed.map((bit) => features.nameOf(bit)).join(', ');
      return shadowed.length === 0 ? null : `On for everyone, so the rollout has no effect: ${names}`;
    },
  },
];

/** Usable and fast on a real screen. */
const TERMINAL: readonly Rule[] = [
  terminal('TERMINAL_FEW_ROWS', 'rows', `Use at least ${USABLE_ROWS} rows.`, ({ rows }) =>
    rows > 0 && rows < USABLE_ROWS ? `Only ${rows} rows: output scrolls away before it is read` : null,
  ),
  terminal('TERMINAL_FEW_COLS', 'cols', `Use at least ${USABLE_COLS} columns.`, ({ cols }) =>
    cols > 0 && cols < USABLE_COLS ? `Only ${cols} columns: most lines wrap` : null,
  ),
  terminal('TERMINAL_LARGE', 'rows', 'Use fewer rows or columns.', ({ rows, cols }) =>
    rows * cols > FAST_CELLS ? `${rows}x${cols} is ${rows * cols} cells: full redraws are slow` : null,
  ),
];

/** Where the config lives, and how old it is. */
const SURROUNDINGS: readonly Rule[] = [
  {
    code: 'VERSION_LEGACY',
    severity: 'warning',
    path: 'version',
    hint: 'Migrate it to version 1.',
    check: ({ version }) => (version === 0 ? 'Version 0 is legacy' : null),
  },
  {
    code: 'REGISTRY_UNSET',
    severity: 'warning',
    path: 'registryHash',
    hint: "Set it to the hash of the registry's URL.",
    check: ({ registryHash }) => (registryHash === 0 ? 'registryHash is 0: no registry is named' : null),
  },
  {
    code: 'ENVIRONMENT_MISSPELT',
    severity: 'warning',
    path: 'environment',
    hint: "Name it 'production' if that is what it is.",
    check: (_, { environment = '' }) =>
      !environment.includes('production') && nearest(environment.slice(0, 80), ['production']) !== null
        ? `Environment '${environment}' is not 'production', so production rules do not apply`
        : null,
  },
  {
    code: 'ENVIRONMENT_MISMATCH',
    severity: 'warning',
    path: 'environment',
    hint: 'Open the config of the environment the program runs in.',
    applies: ({ name, environment }) => name !== undefined && environment !== undefined,
    check: (_, { name, environment }) => {
      const own = parseConfigName(name).environment;
      return own === null || own === environment ? null : `Config '${name}' is used in environment '${environment}'`;
    },
  },
  {
    code: 'STAGING_ENCRYPTION',
    severity: 'warning',
    path: 'featureFlags.encryption',
    hint: 'Turn encryption on, as in production.',
    applies: ({ environment }) => environment === 'staging',
    check: (config) => (has(config, 'encryption') ? null : 'encryption is off in staging: production will differ'),
  },
];

/** All built-in rules, in the order their findings are listed. */
export const RULES: readonly Rule[] = [...STRUCTURE, ...PRODUCTION, ...DEPENDENCIES, ...TERMINAL, ...SURROUNDINGS];

/** The rules no config may break, wherever it lives: what a write checks. */
export const STRUCTURE_RULES: readonly Rule[] = STRUCTURE;

function inProduction({ environment }: ValidationContext): boolean {
  return isProduction(environment);
}

function has({ featureFlags }: RegistryConfig, feature: BuiltinFeature): boolean {
  return (featureFlags & BUILTIN_FEATURES.maskOf(feature)) !== 0;
}

function range(code: string, field: ConfigField): Rule {
  const { min, max } = CONFIG_FIELDS.find(({ name }) => name === field)!;
  const hint = `Give ${field} a whole number from ${min} to ${max}.`;
  const isValid = (value: number) => value >= min && value <= max;
  return {
    code,
    severity: 'error',
    path: field,
    hint,
    check: ({ [field]: value }) => (isValid(value) ? null : `Invalid ${field}: ${value} (must be ${min}-${max})`),
  };
}

function unwanted(code: string, feature: BuiltinFeature, why: string): Rule {
  return {
    code,
    severity: 'warning',
    path: `featureFlags.${feature}`,
    hint: `Turn ${feature} off.`,
    applies: inProduction,
    check: (config) => (has(config, feature) ? `${feature} is on in production: it ${why}` : null),
  };
}

function missing(code: string, feature: BuiltinFeature, why: string): Rule {
  return {
    code,
    severity: 'warning',
    path: `featureFlags.${feature}`,
    hint: `Turn ${feature} on.`,
    applies: inProduction,
    check: (config) => (has(config, feature) ? null : `${feature} is off in production: ${why}`),
  };
}

function needs(code: string, feature: BuiltinFeature, other: BuiltinFeature, why: string): Rule {
  return {
    code,
    severity: 'warning',
    path: `featureFlags.${feature}`,
    hint: `Turn ${other} on, or ${feature} off.`,
    check: (config) => (has(config, feature) && !has(config, other) ? `${feature} without ${other}: ${why}` : null),
  };
}

/** A disabled terminal has no dimensions to judge. */
function terminal(
  code: string,
  path: ConfigField,
  hint: string,
  check: (config: RegistryConfig) => string | null,
): Rule {
  return {
    code,
    severity: 'warning',
    path,
    hint,
    check: (config) => (config.terminalMode === TERMINAL_MODE.disabled ? null : check(config)),
  };
}
