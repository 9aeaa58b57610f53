/**
 * Rules as data: what a team asks of its configs, said in JSON instead of code, so that a registry can keep them and
 * judge every write by them. They say less than rules in code may: features, the terminal's mode, and how far a rollout
 * goes.
 *
 * A rule applies to a service that knows every feature it names; where one is unknown it has nothing to say.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { FeatureSet } from './features.ts';
import { asObject, parseField, unknownField, wrongType } from './input.ts';
import { parseConfigName } from './name.ts';
import { matchesPattern } from './pattern.ts';
import { FULL_ROLLOUT, parsePercent } from './rollout.ts';
import { RULES } from './rules.ts';
import { parseFeatureNames } from './templates.ts';
import { isRuleCode, type Rule, type ValidationContext } from './validation.ts';
import { CONFIG_FIELDS, type RegistryConfig } from './value.ts';

/** When a rule asks for anything; all that is given must hold. */
export interface RuleCondition {
  /** Features that are on for everyone. */
  readonly on?: readonly string[];
  /** Features that are not. */
  readonly off?: readonly string[];
  /** Pattern of environments: `production`, `prod*`. A config without an environment matches `*` alone. */
  readonly environment?: string;
  /** Pattern of services: `checkout`, `shop-*`. */
  readonly service?: string;
}

/** What a rule asks for then; one thing at least. */
export interface RuleRequirement {
  /** Features that must be on for everyone. */
  readonly on?: readonly string[];
  /** Features that must not be. */
  readonly off?: readonly string[];
  /** A number or a name. */
  readonly terminalMode?: number | string;
  /** Percent by feature: how far its rollout may go. On for everyone is 100. */
  readonly maxRollout?: Readonly<Record<string, number>>;
}

/**
 * A rule as it is written; its code is its key.
 * @example
 * { severity: 'error', message: 'New code paths need metrics', hint: 'Turn metrics on first.',
 *   when: { on: ['new_checkout'], environment: 'production' }, require: { on: ['metrics'] } }
 */
export interface RuleInput {
  readonly severity: Rule['severity'];
  readonly message: string;
  readonly hint: string;
  readonly when?: RuleCondition;
  readonly require: RuleRequirement;
}

const TEXT_LENGTH_MAX = 500;
const PATTERN = /^[a-z0-9._*-]{1,128}$/;
const FIELDS = ['severity', 'message', 'hint', 'when', 'require'] as const;
const CONDITION_FIELDS = ['on', 'off', 'environment', 'service'] as const;
const REQUIREMENT_FIELDS = ['on', 'off', 'terminalMode', 'maxRollout'] as const;
const TERMINAL_MODE_FIELD = CONFIG_FIELDS.find(({ name }) => name === 'terminalMode')!;

/** Throws ERR_USAGE for a code that is malformed, or a built-in rule's. */
export function checkRuleCode(code: string): void {
  const isTaken = RULES.some((rule) => rule.code === code);
  if (isRuleCode(code) && !isTaken) return;
  const why = isTaken ? 'it is built in' : 'it is not of the form TEAM_RULE';
  throw new ConfigError('ERR_USAGE', {
    message: `Invalid rule code '${code.slice(0, 80)}': ${why}`,
    hint: "Give each rule a code of its own: upper-case words joined by '_'.",
    details: { argument: 'code' },
  });
}

/**
 * A rule from outside. Errors: ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE, ERR_FEATURE_NAME, ERR_OUT_OF_RANGE. Features are not
 * asked for: each service knows its own.
 */
export function parseRule(input: unknown): RuleInput {
  const fields = knownFields('rule', input, FIELDS);
  const { severity } = fields;
  if (severity !== 'error' && severity !== 'warning') throw wrongType('severity', "'error' or 'warning'", severity);
  return {
    severity,
    message: text('message', fields.message),
    hint: text('hint', fields.hint),
    ...(fields.when === undefined ? {} : { when: parseCondition(fields.when) }),
    require: parseRequirement(fields.require),
  };
}

/** The rule as one service means it; null where it names a feature that the service does not know. */
export function ruleFor(
  code: string,
  { severity, message, hint, when = {}, require }: RuleInput,
  features: FeatureSet,
): Rule | null {
  const maxRollout = Object.entries(require.maxRollout ?? {});
  const lists = [when.on, when.off, require.on, require.off, maxRollout.map(([feature]) => feature)];
  if (!lists.every((names = []) => names.every((name) => features.has(name)))) return null;
  const [whenOn, whenOff, on, off] = lists.map((names = []) => features.masksOf(names)) as [
    number,
    number,
    number,
    number,
  ];
  const limits = maxRollout.map(([feature, percent]) => [features.bitOf(feature), parsePercent(percent)] as const);
  return {
    code,
    severity,
    path: pathOf(require),
    hint,
    applies: (context) => appliesIn(when, context),
    check: (config, { rollouts }) => {
      const { featureFlags: flags, terminalMode } = config;
      if (!has(flags, whenOn, whenOff)) return null;
      const isMet =
        has(flags, on, off) &&
        (require.terminalMode === undefined || terminalMode === require.terminalMode) &&
        limits.every(([bit, most]) => reachOf(config, rollouts, bit) <= most);
      return isMet ? null : message;
    },
  };
}

function parseCondition(input: unknown): RuleCondition {
  const { on, off, environment, service } = knownFields('when', input, CONDITION_FIELDS);
  return {
    ...(on === undefined ? {} : { on: parseFeatureNames('when.on', on) }),
    ...(off === undefined ? {} : { off: parseFeatureNames('when.off', off) }),
    ...(environment === undefined ? {} : { environment: pattern('when.environment', environment) }),
    ...(service === undefined ? {} : { service: pattern('when.service', service) }),
  };
}

function parseRequirement(input: unknown): RuleRequirement {
  const { on, off, terminalMode, maxRollout } = knownFields('require', input, REQUIREMENT_FIELDS);
  const required = {
    ...(on === undefined ? {} : { on: parseFeatureNames('require.on', on) }),
    ...(off === undefined ? {} : { off: parseFeatureNames('require.off', off) }),
    ...(terminalMode === undefined ? {} : { terminalMode: parseField(TERMINAL_MODE_FIELD, terminalMode) }),
    ...(maxRollout === undefined ? {} : { maxRollout: parseLimits(maxRollout) }),
  };
  const { on: mustBeOn = [], off: mustBeOff = [], maxRollout: limits = {} } = required;
  const named = mustBeOn.length + mustBeOff.length + Object.keys(limits).length;
  if (named > 0 || required.terminalMode !== undefined) return required;
  throw wrongType('require', `an object with one of ${REQUIREMENT_FIELDS.join(', ')}`, input);
}

function parseLimits(input: unknown): Readonly<Record<string, number>> {
  const limits = Object.entries(asObject('require.maxRollout', input));
  parseFeatureNames(
    'require.maxRollout',
    limits.map(([feature]) => feature),
  );
  return Object.fromEntries(
    limits.map(([feature, percent]) => [feature, parsePercent(percent, `require.maxRollout.${feature}`) / 100]),
  );
}

function knownFields<F extends string>(
  field: string,
  input: unknown,
  known: readonly F[],
): Partial<Record<F, unknown>> {
  const fields = asObject(field, input);
  const unknown = Object.keys(fields).find((name) => !known.includes(name as F));
  if (unknown !== undefined) throw unknownField(unknown, known);
  return fields as Partial<Record<F, unknown>>;
}

function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX) return value;
  throw wrongType(field, `text of 1-${TEXT_LENGTH_MAX} characters`, value);
}

function pattern(field: string, value: unknown): string {
  if (typeof value === 'string' && PATTERN.test(value)) return value;
  throw wrongType(field, "a pattern of lower-case letters, digits, '.', '_', '-' and '*'", value);
}

function appliesIn({ environment, service }: RuleCondition, context: ValidationContext): boolean {
  const own = context.name === undefined ? '' : parseConfigName(context.name).service;
  return matchesPattern(environment ?? '*', context.environment ?? '') && matchesPattern(service ?? '*', own);
}

function has(flags: number, on: number, off: number): boolean {
  return (flags & on) >>> 0 === on && (flags & off) === 0;
}

/** Basis points of the keys that have a feature. */
function reachOf({ featureFlags }: RegistryConfig, rollouts: Uint16Array | undefined, bit: number): number {
  return ((featureFlags >>> bit) & 1) === 1 ? FULL_ROLLOUT : (rollouts?.[bit] ?? 0);
}

/** Where to look for the fault: the one thing that is asked for, if it is one. */
function pathOf({ on = [], off = [], terminalMode, maxRollout = {} }: RuleRequirement): string {
  const features = [...on, ...off];
  const paths = [
    ...features.map((feature) => `featureFlags.${feature}`),
    ...(terminalMode === undefined ? [] : ['terminalMode']),
    ...Object.keys(maxRollout).map((feature) => `rollouts.${feature}`),
  ];
  return paths.length === 1 ? paths[0]! : features.length > 0 ? 'featureFlags' : 'rollouts';
}
