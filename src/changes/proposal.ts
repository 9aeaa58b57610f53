/**
 * What a change request may ask for, as it comes from outside: operations at once, a ramp, or steps of one's own. What
 * an operation means is judged by whoever makes it; here it is an object about one config or one flag.
 * @module
 */
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { parsePercent } from '../config/rollout.ts';
import { ConfigError } from '../errors/errors.ts';
import { MAX_TIME_MS } from '../journal/journal.ts';
import type { Operation, Step } from './change-request.ts';

export const STEPS_MAX = 50;
/** Of one step. */
export const OPERATIONS_MAX = 100;
/** Of all steps together. */
const OPERATIONS_TOTAL_MAX = 500;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A moment that is over for longer is a mistake; less is a clock that differs, or a request that took its time. */
const LATE_MAX_MS = MINUTE_MS;
/** How far ahead anything may be asked for. */
const AHEAD_MAX_MS = 366 * DAY_MS;
const EXPIRY_DEFAULT_MS = 7 * DAY_MS;
/** Characters of the operations of a whole request, as JSON. */
const SIZE_MAX = 1024 * 1024;
const RAMP_FIELDS = ['name', 'feature', 'percents', 'pause_s', 'thenOn'];
const STEP_FIELDS = ['operations', 'at', 'pause_s'];

/** One of the three ways to say what is to be done; `at`: when, milliseconds since 1970. */
export interface Asked {
  readonly operations?: unknown;
  readonly ramp?: unknown;
  readonly steps?: unknown;
  readonly at?: number | undefined;
}

export type PlannedStep = Omit<Step, 'appliedAt'>;

/**
 * `now` in milliseconds since 1970. Errors: ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, ERR_OUT_OF_RANGE (how many steps and
 * operations; a moment in the past or more than a year ahead), ERR_DUPLICATE_KEY.
 * @example
 * plannedSteps({ ramp: { name: 'checkout', feature: 'debug', percents: [1, 50, 100], pause_s: 3600 } }, Date.now())
 */
export function plannedSteps({ operations, ramp, steps, at }: Asked, now: number): readonly PlannedStep[] {
  const said = [operations, ramp, steps].filter((one) => one !== undefined);
  if (said.length !== 1) throw notOneWay(said.length);
  if (at !== undefined) checkMoment('at', at, now);
  const first = at ?? null;
  const planned =
    operations !== undefined
      ? [{ at: first, pause_ms: 0, operations: parseOperations('operations', operations) }]
      : ramp !== undefined
        ? rampSteps(ramp, first)
        : ownSteps(steps, first, now);
  const count = planned.reduce((sum, step) => sum + step.operations.length, 0);
  if (count > OPERATIONS_TOTAL_MAX) throw outOfRange('operations of all steps', count, 1, OPERATIONS_TOTAL_MAX);
  const size = JSON.stringify(planned).length;
  if (size > SIZE_MAX) throw outOfRange('operations.size', size, 0, SIZE_MAX);
  return planned;
}

/** When a request ends that nobody has approved. Throws ERR_OUT_OF_RANGE. */
export function expiryOf(expiresAt: number | undefined, now: number): number {
  if (expiresAt === undefined) return now + EXPIRY_DEFAULT_MS;
  if (expiresAt > now && expiresAt <= now + AHEAD_MAX_MS) return expiresAt;
  throw outOfRange('expiresAt', expiresAt, now + 1, now + AHEAD_MAX_MS);
}

function rampSteps(input: unknown, at: number | null): PlannedStep[] {
  const ramp = asObject('ramp', input);
  checkFields(ramp, RAMP_FIELDS);
  const { name, feature, percents, pause_s, thenOn = false } = ramp;
  if (typeof name !== 'string') throw wrongType('ramp.name', "a config's name", name);
  if (typeof feature !== 'string') throw wrongType('ramp.feature', "a feature's name", feature);
  if (typeof thenOn !== 'boolean') throw wrongType('ramp.thenOn', 'true or false', thenOn);
  const pause_ms = pauseOf('ramp.pause_s', pause_s);
  const rising = percentsOf(percents);
  return rising.map((percent, i) => {
    const isLast = i === rising.length - 1;
    const set = { rollouts: { [feature]: percent }, ...(isLast && thenOn ? { features: { [feature]: true } } : {}) };
    return { at: i === 0 ? at : null, pause_ms: i === 0 ? 0 : pause_ms, operations: [{ name, set }] };
  });
}

/** Rising, so that nobody who has a feature loses it again. */
function percentsOf(input: unknown): readonly number[] {
  if (!Array.isArray(input)) throw wrongType('ramp.percents', 'a list of percentages', input);
  checkCount('ramp.percents.length', input.length, STEPS_MAX);
  input.forEach((percent, i) => {
    parsePercent(percent, `ramp.percents[${i}]`);
    if (i > 0 && percent <= input[i - 1]) throw outOfRange(`ramp.percents[${i}]`, percent, input[i - 1], 100);
  });
  return input as number[];
}

function ownSteps(input: unknown, first: number | null, now: number): PlannedStep[] {
  if (!Array.isArray(input)) throw wrongType('steps', 'a list', input);
  checkCount('steps.length', input.length, STEPS_MAX);
  let last = first ?? 0;
  return input.map((one: unknown, i) => {
    const field = `steps[${i}]`;
    const step = asObject(field, one);
    checkFields(step, STEP_FIELDS);
    const { operations, at, pause_s = 0 } = step;
    if (at !== undefined) checkMoment(`${field}.at`, at, now);
    if (at !== undefined && at < last) throw outOfRange(`${field}.at`, at, last, now + AHEAD_MAX_MS);
    last = (at as number | undefined) ?? last;
    const moment = (at as number | undefined) ?? (i === 0 ? first : null);
    return {
      at: moment,
      pause_ms: pauseOf(`${field}.pause_s`, pause_s),
      operations: parseOperations(`${field}.operations`, operations),
    };
  });
}

function parseOperations(field: string, input: unknown): readonly Operation[] {
  if (!Array.isArray(input)) throw wrongType(field, 'a list', input);
  checkCount(`${field}.length`, input.length, OPERATIONS_MAX);
  const operations = input.map((one: unknown, i): Operation => operationOf(`${field}[${i}]`, one));
  const targets = operations.map(targetOf);
  const twice = targets.find((target, i) => targets.indexOf(target) !== i);
  if (twice === undefined) return operations;
  throw new ConfigError('ERR_DUPLICATE_KEY', {
    message: `The ${twice} is changed twice in one step`,
    hint: 'Say in one operation what it is to be.',
    details: { key: twice },
  });
}

function operationOf(field: string, input: unknown): Operation {
  const operation = asObject(field, input);
  const { name, flag } = operation;
  if ((typeof name === 'string') !== (typeof flag === 'string')) return operation;
  throw wrongType(field, 'an object with the name of a config or of a flag', input);
}

function targetOf({ name, flag }: Operation): string {
  return name === undefined ? `flag ${flag as string}` : `config ${name as string}`;
}

function checkMoment(field: string, value: unknown, now: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw wrongType(field, 'milliseconds since 1970, a whole number', value);
  }
  const [min, max] = [now - LATE_MAX_MS, now + AHEAD_MAX_MS];
  if (value < min || value > max) throw outOfRange(field, value, min, max);
}

function pauseOf(field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw wrongType(field, 'a whole number of seconds', value);
  const max = AHEAD_MAX_MS / SECOND_MS;
  if (value < 0 || value > max) throw outOfRange(field, value, 0, max);
  return value * SECOND_MS;
}

function checkCount(field: string, value: number, max: number): void {
  if (value < 1 || value > max) throw outOfRange(field, value, 1, max);
}

function checkFields(given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownField(unknown, known);
}

function notOneWay(count: number): ConfigError {
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `A request says in one way what is to be done; this one in ${count === 0 ? 'none' : String(count)}`,
    hint: 'Give one of operations, ramp and steps.',
    details: { field: 'body', expected: 'one of operations, ramp, steps', found: String(count) },
  });
}

function outOfRange(field: string, value: unknown, min: number, max: number): ConfigError {
  const isMoment = /\bat$|expiresAt$/.test(field);
  const isDate = (one: number): boolean => isMoment && Math.abs(one) <= MAX_TIME_MS;
  const shown = (one: number): string => (isDate(one) ? new Date(one).toISOString() : String(one));
  const found = isMoment ? shown(value as number) : String(value);
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${found} (must be ${shown(min)} to ${shown(max)})`,
    hint: isMoment
      ? 'Give a moment that is still to come, within a year; leave it out for now.'
      : 'Give less, or more.',
    details: { field, value, min, max },
  });
}
