/**
 * What can be said of targeting rules without running them: operators that do not exist, variants that they name and a
 * flag does not have, loops within loops, and whether they ask what time it is. Works on rules without references.
 * @module
 */
import { nearest } from '../errors/nearest.ts';
import { flagFault, pointerPart } from './fault.ts';
import { LOOPS } from './loops.ts';

/** JsonLogic's, and flagd's own at the end. */
const OPERATORS: readonly string[] =
  `var missing missing_some substr < <= if == === != !== > >= % / map filter all none some in reduce * ! !! or and + -
  max min merge cat starts_with ends_with sem_ver fractional`.split(/\s+/);
/** Lists may come from outside: three loops within each other are the cube of their length. */
const LOOPS_MAX = 2;

/** Throws ERR_FLAG_INVALID for an unknown operator, an object that is not one operator, and loops within loops. */
export function checkRules(flag: string, rules: unknown, path = '/targeting', loops = 0): void {
  if (typeof rules !== 'object' || rules === null) return;
  if (Array.isArray(rules)) return rules.forEach((item, index) => checkRules(flag, item, `${path}/${index}`, loops));
  const operators = Object.keys(rules);
  if (operators.length !== 1) {
    const fault =
      operators.length === 0 ? 'an empty object' : `several operators: ${operators.join(', ').slice(0, 200)}`;
    throw flagFault(flag, path, fault, 'A rule is an object with one operator: {"==":[...]}.');
  }
  const operator = operators[0]!;
  if (!OPERATORS.includes(operator)) throw unknownOperator(flag, path, operator);
  const args: unknown = Object.values(rules)[0];
  const at = `${path}/${pointerPart(operator)}`;
  if (LOOPS.has(operator) && Array.isArray(args)) checkLoop(flag, args, at, loops);
  else checkRules(flag, args, at, loops);
}

/** The list is made once; what is done for each of it is the second argument. */
function checkLoop(flag: string, args: readonly unknown[], path: string, loops: number): void {
  if (loops >= LOOPS_MAX) {
    throw flagFault(
      flag,
      path,
      `more than ${LOOPS_MAX} loops within each other`,
      'Prepare the list before it is sent.',
    );
  }
  args.forEach((arg, index) => checkRules(flag, arg, `${path}/${index}`, index === 1 ? loops + 1 : loops));
}

function unknownOperator(flag: string, path: string, operator: string): Error {
  const shown = operator.slice(0, 80);
  const suggestion = nearest(shown, OPERATORS);
  const hint = suggestion === null ? `Use one of ${OPERATORS.join(' ')}.` : `Did you mean '${suggestion}'?`;
  return flagFault(flag, path, `there is no operator '${shown}'`, hint);
}

/** Throws ERR_FLAG_INVALID for a variant that rules plainly answer and that is not one of `variants`. */
export function checkResults(flag: string, rules: unknown, variants: readonly string[]): void {
  for (const { variant, path } of resultsOf(rules, '/targeting')) {
    if (!variants.includes(variant)) throw unknownVariant(flag, path, variant, variants);
  }
}

export function unknownVariant(flag: string, path: string, variant: string, variants: readonly string[]): Error {
  const shown = variant.slice(0, 80);
  const suggestion = nearest(shown, variants);
  const known = variants.slice(0, 20).join(', ');
  const hint = suggestion === null ? `Name one of ${known}.` : `Did you mean '${suggestion}'?`;
  return flagFault(flag, path, `there is no variant '${shown}'`, hint);
}

interface Result {
  readonly variant: string;
  readonly path: string;
}

/** Literals in the places whose value is the answer: branches of `if`, variants of `fractional`. */
function resultsOf(rules: unknown, path: string): readonly Result[] {
  if (typeof rules === 'string' || typeof rules === 'boolean' || typeof rules === 'number') {
    return [{ variant: String(rules), path }];
  }
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) return [];
  const [operator, args] = Object.entries(rules)[0] ?? [];
  if (!Array.isArray(args)) return [];
  if (operator === 'if') {
    return args.flatMap((branch, index) =>
      isBranch(index, args.length) ? resultsOf(branch, `${path}/if/${index}`) : [],
    );
  }
  if (operator !== 'fractional') return [];
  return args.flatMap((bucket, index) =>
    Array.isArray(bucket) ? resultsOf(bucket[0], `${path}/fractional/${index}/0`) : [],
  );
}

/** Condition, then, condition, then, ..., else. */
function isBranch(index: number, count: number): boolean {
  return index % 2 === 1 || (index === count - 1 && count > 1);
}

/** Whether rules may ask what time it is; also true where that cannot be told without running them. */
export function asksTime(rules: unknown): boolean {
  if (typeof rules !== 'object' || rules === null) return false;
  if (Array.isArray(rules)) return rules.some(asksTime);
  return Object.entries(rules).some(([key, args]) => (key === 'var' && readsTime(args)) || asksTime(args));
}

function readsTime(args: unknown): boolean {
  const path = Array.isArray(args) ? args[0] : args;
  if (typeof path !== 'string') return true;
  return path === '' || path.startsWith('.') || (path.includes('$flagd') && path !== '$flagd.flagKey');
}
