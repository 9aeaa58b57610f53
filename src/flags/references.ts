/**
 * Shared rules (`$evaluators`) put in where they are referred to (`{"$ref":"name"}`), on parsed JSON and within limits:
 * no rule may refer to itself, and a few short ones must not grow into millions of values.
 * @module
 */
import { nearest } from '../errors/nearest.ts';
import { flagFault } from './fault.ts';
import { isReservedKey } from './reserved.ts';

/** Objects and arrays within each other, references put in. */
const TARGETING_DEPTH_MAX = 64;
/** Values in all, references put in. */
const TARGETING_VALUES_MAX = 10_000;

export type Evaluators = Readonly<Record<string, unknown>>;

interface Expansion {
  readonly flag: string;
  readonly evaluators: Evaluators;
  /** What is being put in, outermost first. */
  readonly within: readonly string[];
  readonly budget: { left: number };
}

/**
 * A copy of `targeting` without references. `path` is where it stands, `within` the shared rules that it is itself, for
 * errors: ERR_FLAG_INVALID for a reference to
 * nothing, one that comes back to itself (`a -> b -> a`), and for what is too deep or too large.
 * @example expandReferences('banner', { $ref: 'staff' }, { staff: { in: ['@x.org', { var: 'email' }] } })
 */
export function expandReferences(
  flag: string,
  targeting: unknown,
  evaluators: Evaluators,
  path = '/targeting',
  within: readonly string[] = [],
): unknown {
  return expand(targeting, path, 1, { flag, evaluators, within, budget: { left: TARGETING_VALUES_MAX } });
}

/** Whether anything in it refers to a shared rule. */
export function hasReferences(targeting: unknown): boolean {
  if (typeof targeting !== 'object' || targeting === null) return false;
  return Object.hasOwn(targeting, '$ref') || Object.values(targeting).some(hasReferences);
}

function expand(value: unknown, path: string, depth: number, expansion: Expansion): unknown {
  const { flag, budget } = expansion;
  if (--budget.left < 0) throw flagFault(flag, path, ...tooLarge());
  if (typeof value !== 'object' || value === null) return value;
  if (depth > TARGETING_DEPTH_MAX) throw flagFault(flag, path, ...tooDeep());
  if (Array.isArray(value)) return value.map((item, index) => expand(item, `${path}/${index}`, depth + 1, expansion));
  const entries = Object.entries(value);
  if (!Object.hasOwn(value, '$ref')) {
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, expand(inner, `${path}/${key}`, depth + 1, expansion)]),
    );
  }
  const name = (value as Record<string, unknown>)['$ref'];
  if (entries.length > 1 || typeof name !== 'string') {
    throw flagFault(flag, path, 'a reference is {"$ref":"<name>"} and nothing else', 'Leave the other properties out.');
  }
  return expand(bodyOf(name, path, expansion), path, depth + 1, { ...expansion, within: [...expansion.within, name] });
}

function bodyOf(name: string, path: string, { flag, evaluators, within }: Expansion): unknown {
  const shown = name.slice(0, 80);
  if (within.includes(name)) {
    const circle = [...within.slice(within.indexOf(name)), name].map((each) => each.slice(0, 80)).join(' -> ');
    throw flagFault(flag, path, `references in a circle: ${circle}`, 'Write out one of them, so that the circle ends.');
  }
  if (Object.hasOwn(evaluators, name) && !isReservedKey(name)) return evaluators[name];
  const suggestion = nearest(shown, Object.keys(evaluators));
  const hint = suggestion === null ? 'Put it among the evaluators of the set first.' : `Did you mean '${suggestion}'?`;
  throw flagFault(flag, path, `there is no evaluator '${shown}'`, hint);
}

function tooLarge(): [fault: string, hint: string] {
  return [`it holds more than ${TARGETING_VALUES_MAX} values, with references put in`, 'Make the rules smaller.'];
}

function tooDeep(): [fault: string, hint: string] {
  return [`it is nested deeper than ${TARGETING_DEPTH_MAX}, with references put in`, 'Make the rules flatter.'];
}
