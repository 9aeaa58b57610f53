/** A config with its rollouts as plans compare and judge it: from what a target shows, changing nothing. @module */
import { differences } from './change-text.ts';
import { rolloutOf } from './answers.ts';
import type { FeatureSet } from '../config/features.ts';
import { parseConfigName } from '../config/name.ts';
import { noRollouts, parsePercent, percentOf, withRollout } from '../config/rollout.ts';
import { RULES } from '../config/rules.ts';
import { requireValid, type Rule, validate, type Validation } from '../config/validation.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../config/value.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { ConfigView } from '../live/operations.ts';

export interface State {
  readonly config: RegistryConfig;
  readonly rollouts: Uint16Array;
}

/** What a config is; null: what one would be that nobody has made yet. */
export function stateOf(view: Pick<ConfigView, keyof RegistryConfig | 'rollouts'> | null, features: FeatureSet): State {
  if (view === null) return { config: DEFAULT_CONFIG, rollouts: noRollouts() };
  const { version, registryHash, featureFlags, terminalMode, rows, cols } = view;
  const rollouts = features.names.reduce(
    (all, feature) => withRollout(all, features.bitOf(feature), parsePercent(rolloutOf(view, feature))),
    noRollouts(),
  );
  return { config: { version, registryHash, featureFlags, terminalMode, rows, cols }, rollouts };
}

/** @example differencesOf(before, after, features) // ['+debug', 'rows 24->50', 'new_checkout 0->10 %'] */
export function differencesOf(before: State, after: State, features: FeatureSet): string[] {
  const moved = features.names.filter((feature) => {
    const bit = features.bitOf(feature);
    return before.rollouts[bit] !== after.rollouts[bit];
  });
  return [
    ...differences(before.config, after.config, features, '->'),
    ...moved.map((feature) => {
      const bit = features.bitOf(feature);
      return `${feature} ${percentOf(before.rollouts[bit]!)}->${percentOf(after.rollouts[bit]!)} %`;
    }),
  ];
}

/**
 * As every write is judged: what was wrong before does not stand in the way. Answers the warnings. Throws
 * ERR_CONFIG_INVALID.
 */
export function judge(
  name: string,
  features: FeatureSet,
  before: State,
  after: State,
  rules: readonly Rule[] = RULES,
): Validation['warnings'] {
  const environment = parseConfigName(name).environment ?? undefined;
  const [known, found] = [before, after].map(({ config, rollouts }) =>
    validate(config, { name, environment, features, rollouts }, rules),
  );
  const errors = found!.errors.filter(({ code }) => !known!.errors.some((issue) => issue.code === code));
  requireValid({ isValid: errors.length === 0, errors, warnings: [] });
  return found!.warnings;
}

/** The same error, saying which part of a document it is about. */
export function naming<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw named(what, error);
  }
}

export function named(what: string, error: unknown): unknown {
  if (!isConfigError(error)) return error;
  const { code, message, hint, details } = error;
  return new ConfigError(code, { message: `${what}: ${message}`, hint, details: details as never, cause: error });
}
