/**
 * What rules cost at most, whoever they are asked for: rules run while everybody else waits, and strangers write
 * contexts. Found without running anything, from how large a context may be. Works on rules without references, and
 * tells too much rather than too little.
 * @module
 */
import { anyOf, type Bound, fits, FROM_CONTEXT, listOf, listOfMany, merged, SCALAR, textOf } from './bounds.ts';
import { CONTEXT_TEXT_MAX } from './context.ts';
import { flagFault, pointerPart } from './fault.ts';
import { isForLists, LOOPS } from './loops.ts';

/** One unit is some 20 ns: one step of a rule on a plain value. */
export const RULE_COST_MAX = 250_000;
/** For a rule that is asked at all: the engine copies the context first. */
const RULE_COST_MIN = 100;

/** What one step costs, and what it answers. */
interface Step {
  readonly cost: number;
  readonly bound: Bound;
}

/** Where a step stands: what it sees of values, and how often it is made. */
interface Scope {
  readonly seen: Bound;
  readonly times: number;
  /** It is made for each item of a list. */
  readonly isWithin: boolean;
}

interface Sum {
  readonly flag: string;
  cost: number;
}

type Steps = Readonly<Record<string, (args: readonly Bound[]) => Step>>;

/** The first time that a step is made in an evaluation: nothing of it is at hand. */
const FIRST_COST = 5;
/** Telling whether an object is empty lists its properties. */
const TRUTH_COST = 75;
const SEM_VER_COST = 75;
const SHARE_COST = 75;
const BUCKET_COST = 10;
/** Characters for one unit. */
const COPIED = 64;
const COMPARED = 500;
const HASHED = 16;
const PARSED = 11;
const SPLIT = 4;
/** Pairs of characters: a text that nearly has another one in it at every place. */
const SEARCHED = 330;

const STEPS: Steps = {
  ...named('if and or', (args) => ({ cost: sum(args.map(truth)), bound: anyOf(args) })),
  ...named('! !!', (args) => ({ cost: sum(args.map(truth)), bound: SCALAR })),
  ...named('== != < <= > >=', (args) => ({ cost: compared(args), bound: SCALAR })),
  ...named('=== !== starts_with ends_with', (args) => ({ cost: shortest(args) / COMPARED, bound: SCALAR })),
  ...named('+ - * / % max min', (args) => ({ cost: sum(args.map(({ text }) => text / PARSED)), bound: SCALAR })),
  ...named('missing missing_some', (args) => ({ cost: size(args) + flat(args) / SPLIT, bound: merged(args) })),
  ...named('in', (args) => ({ cost: found(args), bound: SCALAR })),
  ...named('cat', (args) => ({ cost: size(args) + flat(args) / COPIED, bound: textOf(flat(args)) })),
  ...named('merge', (args) => ({ cost: size(args), bound: merged(args) })),
  ...named('substr', (args) => ({ cost: 1, bound: textOf(anyOf(args).text) })),
  ...named('sem_ver', (args) => ({
    cost: SEM_VER_COST + flat(args) / COPIED + sum(args.map(({ text }) => text / HASHED)),
    bound: SCALAR,
  })),
  ...named('fractional', (args) => ({
    cost: SHARE_COST + BUCKET_COST * args.length + flat(args) / HASHED,
    bound: textOf(anyOf(args).flat),
  })),
};

/**
 * Units that evaluating the rules takes at most, for any context that is let through. Throws ERR_FLAG_INVALID for more
 * than RULE_COST_MAX, and for a `reduce` that gathers more with every item.
 * @example ruleCost('banner', { '==': [{ var: 'plan' }, 'pro'] }) // 112.3...
 */
export function ruleCost(flag: string, rules: unknown, path = '/targeting'): number {
  const total: Sum = { flag, cost: RULE_COST_MIN };
  weigh(rules, path, { seen: FROM_CONTEXT, times: 1, isWithin: false }, total);
  return total.cost;
}

function weigh(rule: unknown, path: string, scope: Scope, total: Sum): Bound {
  if (typeof rule === 'string') return textOf(rule.length);
  if (typeof rule !== 'object' || rule === null) return SCALAR;
  if (Array.isArray(rule)) {
    spend(total, path, scope.times * rule.length);
    return listOf(weighAll(rule, path, scope, total));
  }
  spend(total, path, scope.times + FIRST_COST);
  const [operator, args] = Object.entries(rule)[0] ?? ['', null];
  const at = `${path}/${pointerPart(operator)}`;
  if (operator === 'var') return variable(args, at, scope, total);
  if (operator === 'reduce' && Array.isArray(args)) return reduced(args, at, scope, total);
  if (LOOPS.has(operator) && Array.isArray(args)) return looped(operator, args, at, scope, total);
  const bounds = weighAll(Array.isArray(args) ? args : [args], at, scope, total);
  const step = STEPS[Object.hasOwn(STEPS, operator) ? operator : 'if']!;
  const { cost, bound } = step(bounds);
  spend(total, at, scope.times * cost);
  return bound;
}

function weighAll(rules: readonly unknown[], path: string, scope: Scope, total: Sum): Bound[] {
  return rules.map((rule, index) => weigh(rule, `${path}/${index}`, scope, total));
}

function spend(total: Sum, path: string, cost: number): void {
  total.cost += cost;
  if (total.cost <= RULE_COST_MAX) return;
  throw flagFault(
    total.flag,
    path,
    'with the largest context its rules take longer than a rule may',
    "Walk one list of the context, not lists within lists: 'in' looks for a value in a list without a loop.",
  );
}

/** A path that is not written out is split anew each time. */
function variable(args: unknown, path: string, scope: Scope, total: Sum): Bound {
  const [name, ...others] = Array.isArray(args) ? args : [args];
  const named = weigh(name, path, scope, total);
  const isWritten = typeof name !== 'object' || name === null;
  spend(total, path, scope.times * (isWritten ? named.text / HASHED : named.flat / SPLIT));
  return anyOf([scope.seen, ...weighAll(others, path, scope, total)]);
}

/** What is done for each item sees the list, and through `../` all that those around it see. */
function looped(operator: string, args: readonly unknown[], path: string, scope: Scope, total: Sum): Bound {
  const list = weigh(args[0], `${path}/0`, scope, total);
  const isList = operator === 'map' || operator === 'filter' || isForLists(operator, args, scope.isWithin);
  const count = Math.max(1, list.items, isList ? 0 : list.text, !isList && list.isOpen ? CONTEXT_TEXT_MAX : 0);
  const each: Scope = { seen: anyOf([scope.seen, list]), times: scope.times * count, isWithin: true };
  // The second unit is for the copy that says that it is a list.
  spend(total, path, each.times * 2);
  const answer = weigh(args[1], `${path}/1`, each, total);
  if (operator === 'map') return listOfMany(count, answer);
  spend(total, path, each.times * truth(answer));
  return operator === 'filter' ? { ...list, isText: false, isOpen: false } : SCALAR;
}

/** What it gathers is at most what it sees, or would grow with every item. */
function reduced(args: readonly unknown[], path: string, scope: Scope, total: Sum): Bound {
  const list = weigh(args[0], `${path}/0`, scope, total);
  const first = weigh(args[2], `${path}/2`, scope, total);
  const seen = anyOf([scope.seen, list, first]);
  const times = scope.times * Math.max(1, list.items);
  const answer = weigh(args[1], `${path}/1`, { seen, times, isWithin: true }, total);
  if (!fits(answer, seen)) {
    const fault = "what 'reduce' gathers may become larger with every item";
    throw flagFault(total.flag, `${path}/1`, fault, 'Count, add up, compare or choose: texts and lists may not grow.');
  }
  spend(total, path, times * (1 + truth(answer) + answer.items));
  return seen;
}

function named(operators: string, step: Steps[string]): Steps {
  return Object.fromEntries(operators.split(' ').map((operator) => [operator, step]));
}

function truth({ isOpen }: Bound): number {
  return isOpen ? TRUTH_COST : 0;
}

/** Texts are compared as they are, but only with texts: anything else is made a number of. */
function compared(args: readonly Bound[]): number {
  const written = args.filter(({ isOpen, isText }) => isText && !isOpen);
  const parsed = args.length === 2 && written.length > 0 ? written : args;
  return shortest(args) / COMPARED + sum(parsed.map(({ text }) => text / PARSED));
}

/** The second is a text or a list. */
function found(args: readonly Bound[]): number {
  const [item = SCALAR, within = item] = args;
  const listed = within.items * (1 / 4 + Math.min(item.text, within.text) / COMPARED);
  if (!within.isText) return listed;
  const searched = (within.text * Math.min(item.flat, within.text / 2)) / SEARCHED;
  return (within.text + item.flat) / COPIED + Math.max(searched, listed);
}

function shortest(args: readonly Bound[]): number {
  return Math.min(...args.map(({ text }) => text));
}

function size(args: readonly Bound[]): number {
  return sum(args.map(({ items }) => Math.max(1, items)));
}

function flat(args: readonly Bound[]): number {
  return sum(args.map((arg) => arg.flat));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
