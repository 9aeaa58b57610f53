/**
 * Judging a config: rules are data with a check, each finding is an issue that is data too. An error means the
 * config cannot be meant, a warning that somebody should look. Validation never throws and never changes anything.
 * The rules themselves are in `rules.ts`.
 * @module
 */
import { type AnyConfigError, ConfigError } from '../errors/errors.ts';
import { BUILTIN_FEATURES, type FeatureSet } from './features.ts';
import { readConfigInput } from './input.ts';
import { RULES, STRUCTURE_RULES } from './rules.ts';
import { applyTemplate, type Template } from './templates.ts';
import type { RegistryConfig } from './value.ts';

/** A finding. `code` is stable; `path` names the field, as in `rows` or `featureFlags.debug`. */
export interface Issue {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Validation {
  /** No errors; warnings may remain. */
  readonly isValid: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** What is known around a config. Rules that need what is absent do not apply. */
export interface ValidationContext {
  readonly features: FeatureSet;
  /** Such as `production`. */
  readonly environment?: string | undefined;
  /** The config's name: `checkout/production`. */
  readonly name?: string | undefined;
  /** 32 rollouts in basis points. */
  readonly rollouts?: Uint16Array | undefined;
}

export interface Rule {
  /** Stable, upper case: `TERMINAL_SMALL`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly path: string;
  /** What to do about a finding. */
  readonly hint: string;
  /** Left out: always. */
  applies?(context: ValidationContext): boolean;
  /** The message of the finding, or null when all is well. */
  check(config: RegistryConfig, context: ValidationContext): string | null;
}

const RULE_CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
const RULE_CODE_LENGTH_MAX = 64;

/** Whether a rule can be called so. */
export function isRuleCode(code: string): boolean {
  return code.length <= RULE_CODE_LENGTH_MAX && RULE_CODE.test(code);
}

/**
 * Every finding of every rule that applies.
 * @example validate({ ...DEFAULT_CONFIG, rows: 0 }).errors[0]?.message // 'Invalid rows: 0 (must be 1-255)'
 */
export function validate(
  config: RegistryConfig,
  context: Partial<ValidationContext> = {},
  rules: readonly Rule[] = RULES,
): Validation {
  const whole: ValidationContext = { ...context, features: context.features ?? BUILTIN_FEATURES };
  const errors: Issue[] = [];
  const warnings: Issue[] = [];
  for (const rule of rules) {
    const found = judge(rule, config, whole);
    if (found !== null) (found.failed || rule.severity === 'error' ? errors : warnings).push(found.issue);
  }
  return { isValid: errors.length === 0, errors, warnings };
}

/** A partial config from outside, filled from `current`: what cannot even be read is an error among the others. */
export function validateInput(
  input: unknown,
  current: RegistryConfig,
  context: Partial<ValidationContext> = {},
  rules: readonly Rule[] = RULES,
): Validation {
  const reading = readConfigInput(input, current, context.features ?? BUILTIN_FEATURES);
  const found = validate(reading.config, context, rules);
  const errors = [...reading.errors.map(issueOf), ...found.errors];
  return { ...found, isValid: errors.length === 0, errors };
}

/** Whether a template suits a config where it lives: the findings that applying it would add. */
export function validateTemplate(
  template: Template,
  config: RegistryConfig,
  context: Partial<ValidationContext> = {},
  rules: readonly Rule[] = RULES,
): Validation {
  const before = validate(config, context, rules);
  const after = validate(applyTemplate(config, template), context, rules);
  const added = (found: readonly Issue[], known: readonly Issue[]) =>
    found.filter(({ code, path }) => !known.some((issue) => issue.code === code && issue.path === path));
  const errors = added(after.errors, before.errors);
  return { isValid: errors.length === 0, errors, warnings: added(after.warnings, before.warnings) };
}

/** Throws ERR_CONFIG_INVALID, carrying the issues, when validation found errors. */
export function requireValid({ isValid, errors }: Validation): void {
  if (isValid) return;
  throw new ConfigError('ERR_CONFIG_INVALID', {
    message: errors.map(({ message }) => message).join('; '),
    hint: errors.find(({ hint }) => hint !== undefined)?.hint ?? 'Correct the named fields.',
    details: { issues: errors.map(({ code, path, message }) => ({ code, path, message })) },
  });
}

/**
 * The built-in rules plus a team's own. Throws ERR_USAGE for a malformed or taken code: codes are how findings
 * are filtered and explained.
 * @example
 * const rules = withRules({ code: 'TEAM_WIDE', severity: 'warning', path: 'cols', hint: 'Use at least 100 columns.',
 *   check: ({ cols }) => (cols < 100 ? `Only ${cols} columns` : null) });
 */
export function withRules(...own: readonly Rule[]): readonly Rule[] {
  const rules = [...RULES];
  for (const rule of own) {
    const taken = rules.some(({ code }) => code === rule.code);
    if (taken || !isRuleCode(rule.code)) {
      throw new ConfigError('ERR_USAGE', {
        message: `Invalid rule code '${rule.code}': ${taken ? 'it is taken' : 'it is not of the form TEAM_RULE'}`,
        hint: "Give each rule a code of its own: upper-case words joined by '_'.",
        details: { argument: 'rules' },
      });
    }
    rules.push(rule);
  }
  return rules;
}

/** A rule of a team's own may fail: that is a finding, and an error, because nothing was checked. */
function judge(
  rule: Rule,
  config: RegistryConfig,
  context: ValidationContext,
): { issue: Issue; failed: boolean } | null {
  const { code, path, hint } = rule;
  try {
    if (rule.applies?.(context) === false) return null;
    const message = rule.check(config, context);
    return message === null ? null : { issue: { code, path, message, hint }, failed: false };
  } catch (error) {
    const message = `Rule ${code} failed: ${error instanceof Error ? error.message : String(error)}`;
    return { issue: { code, path, message, hint: 'Correct the rule.' }, failed: true };
  }
}

/** A value out of a field's range is the same finding whether it came as bytes or as an object. */
function issueOf(error: AnyConfigError): Issue {
  const { message, hint } = error;
  if (error.code === 'ERR_UNKNOWN_FEATURE') {
    return { code: error.code, path: `features.${error.details.feature}`, message, hint };
  }
  const path = 'field' in error.details ? error.details.field : '';
  const rule = error.code === 'ERR_OUT_OF_RANGE' ? STRUCTURE_RULES.find((known) => known.path === path) : undefined;
  return { code: rule?.code ?? error.code, path, message, hint };
}
