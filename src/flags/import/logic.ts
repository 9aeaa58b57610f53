/**
 * Conditions in flagd's JsonLogic, built from pieces that never throw for any context. A condition may also be UNKNOWN:
 * what the source means cannot be said in this language, and whoever uses the condition decides what that makes of it.
 * @module
 */

/** JsonLogic: JSON. */
export type Logic = unknown;
/** Stands where a condition cannot be expressed. */
export const UNKNOWN: unique symbol = Symbol('unknown');

/** True as soon as the others cannot change it: `false` decides, also beside what is UNKNOWN. */
export function and(parts: readonly Logic[]): Logic {
  return joined('and', parts, false);
}

/** As `and`, decided by `true`. */
export function or(parts: readonly Logic[]): Logic {
  return joined('or', parts, true);
}

export function not(condition: Logic): Logic {
  if (condition === UNKNOWN) return UNKNOWN;
  return typeof condition === 'boolean' ? !condition : { '!': condition };
}

/** `if` with what is known beforehand taken away. `chosen` and `otherwise` are results. */
export function choose(branches: readonly (readonly [Logic, Logic])[], otherwise: Logic): Logic {
  const open = branches.filter(([condition]) => condition !== false);
  const first = open.findIndex(([condition]) => condition === true);
  const kept = first < 0 ? open : open.slice(0, first);
  const last = first < 0 ? otherwise : open[first]![1];
  if (kept.length === 0) return last;
  return { if: [...kept.flat(), last] };
}

/** The attribute at a path whose dots separate: see `attributePath`. */
export function variable(path: string): Logic {
  return { var: path };
}

/** The same, '' where it is missing. */
export function textVariable(path: string): Logic {
  return { var: [path, ''] };
}

/** The attribute as text, also that of a number: `18` as '18', a missing one as ''. */
export function asText(path: string): Logic {
  return { cat: [textVariable(path)] };
}

/** @example attributePath(['address', 'zip.code']) // 'address.zip\\.code' */
export function attributePath(names: readonly string[]): string {
  return names.map((name) => name.replaceAll('\\', '\\\\').replaceAll('.', '\\.')).join('.');
}

export function isPresent(value: Logic): Logic {
  return { '!==': [value, null] };
}

export function isString(value: Logic): Logic {
  return { starts_with: [value, ''] };
}

/** Of scalars: comparing anything else with a number would fail. */
export function isNumber(value: Logic): readonly Logic[] {
  return [isPresent(value), { '!==': [value, true] }, { '!==': [value, false] }, not(isString(value))];
}

export function oneOf(value: Logic, values: readonly unknown[]): Logic {
  return values.length === 0 ? false : { in: [value, values] };
}

/** Lets `part` of `total` through, by `key`; `prefix` is what makes the split its own. Both are whole numbers. */
export function share(prefix: string, key: Logic, part: number, total: number): Logic {
  if (part <= 0) return false;
  if (part >= total) return true;
  return {
    '===': [
      split(prefix, key, [
        ['in', part],
        ['out', total - part],
      ]),
      'in',
    ],
  };
}

/** One of the names by weight: whole numbers. */
export function split(prefix: string, key: Logic, weights: readonly (readonly [string, number])[]): Logic {
  const weighted = weights.filter(([, weight]) => weight > 0);
  if (weighted.length === 1) return weighted[0]![0];
  return { fractional: [{ cat: [prefix, key] }, ...weighted] };
}

function joined(operator: 'and' | 'or', parts: readonly Logic[], decisive: boolean): Logic {
  if (parts.includes(decisive)) return decisive;
  if (parts.includes(UNKNOWN)) return UNKNOWN;
  const open = parts.filter((part) => part !== !decisive).flatMap((part) => joinedBy(operator, part) ?? [part]);
  if (open.length === 0) return !decisive;
  return open.length === 1 ? open[0] : { [operator]: open };
}

/** The parts of a condition that the same operator has joined already. */
function joinedBy(operator: string, part: Logic): readonly Logic[] | null {
  const isIt = typeof part === 'object' && part !== null && operator in part;
  return isIt ? (part as Readonly<Record<string, readonly Logic[]>>)[operator]! : null;
}
