/**
 * What all flags of a config cost at most when they are asked for at once: everybody else waits for that too.
 * @module
 */
import { ruleCost } from './cost.ts';
import { flagFault } from './fault.ts';
import type { Flag, FlagDefinition, FlagSet } from './flag.ts';
import { type Evaluators, expandReferences } from './references.ts';
import { Turns } from './turns.ts';

/** In units of `ruleCost`: some 80 ms. */
const CONFIG_COST_MAX = 4_000_000;

interface Known {
  readonly evaluators: Evaluators;
  readonly cost: number;
}

const known = new WeakMap<FlagDefinition, Known>();

/** Units that asking for the flag takes at most; 0 where nothing is to be evaluated, or nothing can be. */
export function flagCost(key: string, { definition, archivedAt }: Flag, { evaluators }: FlagSet): number {
  const { state, targeting } = definition;
  if (archivedAt !== null || state !== 'ENABLED' || targeting === undefined) return 0;
  if (Object.keys(targeting).length === 0) return 0;
  const found = known.get(definition);
  if (found?.evaluators === evaluators) return found.cost;
  const cost = costOf(key, targeting, evaluators);
  known.set(definition, { evaluators, cost });
  return cost;
}

function costOf(key: string, targeting: unknown, evaluators: Evaluators): number {
  try {
    return ruleCost(key, expandReferences(key, targeting, evaluators));
  } catch {
    // Stored by another version, or by nobody who asked: it is not evaluated either.
    return 0;
  }
}

/** Throws ERR_FLAG_INVALID, which names `blamed`, where the flags of a config cost more than they may together. */
export async function checkTotalCost(
  blamed: string,
  flags: Iterable<readonly [string, Flag]>,
  set: FlagSet,
): Promise<void> {
  const turns = new Turns();
  let total = 0;
  for (const [key, flag] of flags) {
    total += flagCost(key, flag, set);
    if (turns.isOver) await turns.next();
  }
  if (total <= CONFIG_COST_MAX) return;
  const fault = 'with it, asking for all flags of the config takes longer than it may';
  throw flagFault(blamed, '/targeting', fault, 'Archive flags that nobody asks for, or make rules smaller.');
}
