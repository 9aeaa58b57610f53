/**
 * Which operators walk lists, and which of them must be given lists: the engine's `all`, `none` and `some` walk
 * whatever has a length, also a text by its characters. Alone they may; within each other that would be its square.
 * @module
 */

/** `reduce` is one as well, of its own kind. */
export const LOOPS: ReadonlySet<string> = new Set(['map', 'filter', 'all', 'none', 'some', 'reduce']);
const WALKERS: ReadonlySet<string> = new Set(['all', 'none', 'some']);
const SAME = { var: '' };

/** Whether this operator is given its list as a list, or an error. `isWithin`: it is done for each item of another. */
export function isForLists(operator: string, args: readonly unknown[], isWithin: boolean): boolean {
  return WALKERS.has(operator) && (isWithin || hasLoop(args[1]));
}

/** The same rules for the engine: `map` takes lists only, and missing ones as empty. */
export function withLists(rules: unknown, isWithin = false): unknown {
  if (typeof rules !== 'object' || rules === null) return rules;
  if (Array.isArray(rules)) return rules.map((rule) => withLists(rule, isWithin));
  return Object.fromEntries(
    Object.entries(rules).map(([operator, args]) => {
      if (!LOOPS.has(operator) || !Array.isArray(args)) return [operator, withLists(args, isWithin)];
      const known = args.map((arg: unknown, index) => withLists(arg, isWithin || index === 1));
      if (isForLists(operator, args, isWithin)) known[0] = { map: [known[0], SAME] };
      return [operator, known];
    }),
  );
}

function hasLoop(rules: unknown): boolean {
  if (typeof rules !== 'object' || rules === null) return false;
  if (Array.isArray(rules)) return rules.some(hasLoop);
  return Object.entries(rules).some(([operator, args]) => LOOPS.has(operator) || hasLoop(args));
}
