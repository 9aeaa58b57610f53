/**
 * When a figure stays beyond a bound: rules over samples, told once when they begin to fire and once when they stop.
 * Pure: what is handed in decides what comes out. Who hears of it is not known here.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Severity } from './figures.ts';
import { parseSampledMetric, SAMPLE_INTERVAL_MS, type SampledMetric, type SampleValues } from './samples.ts';

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[];
export const COMPARISONS = ['above', 'below'] as const;

export interface AlertRule {
  readonly name: string;
  readonly metric: SampledMetric;
  readonly comparison: (typeof COMPARISONS)[number];
  readonly value: number;
  /** How long the figure must stay beyond the value, in seconds; 0: one sample is enough. */
  readonly for_s: number;
  readonly severity: Severity;
}

/** Where a rule stands; a rule that stands nowhere is well. */
export interface AlertState {
  readonly rule: AlertRule;
  readonly state: 'pending' | 'firing';
  /** Milliseconds since 1970: when the figure went beyond. */
  readonly since: number;
  /** The newest figure. */
  readonly value: number;
}

/** What is told, once each. */
export interface AlertTransition {
  readonly to: 'pending' | 'firing' | 'resolved';
  readonly rule: AlertRule;
  readonly since: number;
  readonly at: number;
  /** null: there was none, or the rule is gone. */
  readonly value: number | null;
}

/** By the rule's name. */
export type AlertStates = ReadonlyMap<string, AlertState>;

export interface Evaluated {
  readonly states: AlertStates;
  readonly transitions: readonly AlertTransition[];
}

const FOR_MAX_S = 24 * 3600;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
/** Samples further apart leave open what was between them. */
const GAP_MAX_MS = 4 * SAMPLE_INTERVAL_MS;

/**
 * The states after one more sample. Without a figure (NaN) a rule is well; `previousAt` is the time of the sample
 * before, null at the first.
 */
export function evaluateAlerts(
  rules: readonly AlertRule[],
  before: AlertStates,
  {
    at,
    previousAt,
    values,
  }: { readonly at: number; readonly previousAt: number | null; readonly values: SampleValues },
): Evaluated {
  const isGap = previousAt === null || at - previousAt > GAP_MAX_MS;
  const states = new Map<string, AlertState>();
  const transitions: AlertTransition[] = [];
  for (const rule of rules) {
    const known = before.get(rule.name);
    const value = values[rule.metric];
    if (!isBeyond(rule, value)) continue;
    const stands = known !== undefined && (known.state === 'firing' || !isGap) ? known : null;
    const since = stands?.since ?? at;
    const state = stands?.state === 'firing' || at - since >= rule.for_s * 1000 ? 'firing' : 'pending';
    states.set(rule.name, { rule, state, since, value });
    if (known?.state !== state) transitions.push({ to: state, rule, since, at, value });
  }
  for (const { rule, state, since } of before.values()) {
    if (state !== 'firing' || states.has(rule.name)) continue;
    const now = rules.find(({ name }) => name === rule.name);
    const value = now === undefined || Number.isNaN(values[now.metric]) ? null : values[now.metric];
    transitions.push({ to: 'resolved', rule: now ?? rule, since, at, value });
  }
  return { states, transitions };
}

/** Where the rules stand after all these samples, so that a restart does not tell again what was told. */
export function replayAlerts(
  rules: readonly AlertRule[],
  samples: Iterable<{ readonly at: number; readonly values: SampleValues }>,
): AlertStates {
  let states: AlertStates = new Map();
  let previousAt: number | null = null;
  for (const sample of samples) {
    states = evaluateAlerts(rules, states, { ...sample, previousAt }).states;
    previousAt = sample.at;
  }
  return states;
}

/**
 * A rule from outside. Throws ERR_WRONG_TYPE, ERR_OUT_OF_RANGE, ERR_BAD_REQUEST for a metric that is not sampled.
 * @example
 * const bound = { metric: 'latency_p99_ms', comparison: 'above', value: 50 };
 * parseAlertRule({ ...bound, name: 'slow', for_s: 300, severity: 'high' });
 */
export function parseAlertRule(input: { readonly [K in keyof AlertRule]: unknown }): AlertRule {
  const { name, metric, comparison, value, for_s, severity } = input;
  if (typeof name !== 'string' || !NAME.test(name)) throw wrongType('name', 'letters, digits, . _ -, at most 64', name);
  if (typeof metric !== 'string') throw wrongType('metric', 'a text', metric);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType('value', 'a number', value);
  if (typeof for_s !== 'number') throw wrongType('for_s', 'a number', for_s);
  if (!(for_s >= 0 && for_s <= FOR_MAX_S)) throw outOfRange('for_s', for_s, FOR_MAX_S);
  return {
    name,
    metric: parseSampledMetric(metric),
    comparison: oneOf('comparison', COMPARISONS, comparison),
    value,
    for_s,
    severity: oneOf('severity', SEVERITIES, severity),
  };
}

/** Not so for NaN. */
function isBeyond({ comparison, value: bound }: AlertRule, value: number): boolean {
  return comparison === 'above' ? value > bound : value < bound;
}

function oneOf<T extends string>(field: string, known: readonly T[], value: unknown): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw wrongType(field, `one of ${known.join(', ')}`, value);
  return found;
}

function wrongType(field: string, expected: string, value: unknown): ConfigError {
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid ${field}: must be ${expected}`,
    hint: `Set ${field} to ${expected}.`,
    details: { field, expected, found: value === null ? 'null' : typeof value },
  });
}

function outOfRange(field: string, value: number, max: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${value} (must be 0-${max})`,
    hint: `Set ${field} to a number of that range.`,
    details: { field, value, min: 0, max },
  });
}
