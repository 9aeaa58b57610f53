/** What can be done to a flag, and what it is afterwards. Pure: everything is checked here, nothing is kept. @module */
import type { ConfigError } from '../errors/errors.ts';
import { boundBy, isBoolean } from './bound.ts';
import { checkDefinition } from './definition.ts';
import { flagFault } from './fault.ts';
import type { Flag, FlagSet } from './flag.ts';
import { parseFlag, patchFlag } from './flag-input.ts';

/** `input` is as people write it: `{ definition, clientVisible, owner, ... }`. All but `put` are for a flag that is. */
export type FlagChange =
  /** Makes or replaces it; an archived one stays archived. */
  | { readonly kind: 'put'; readonly input: unknown }
  /** Changes what is given: facts, and the fields of `definition` one by one, where null takes one away. */
  | { readonly kind: 'patch'; readonly input: unknown }
  /** From now on it is not evaluated. `at`: milliseconds since 1970. */
  | { readonly kind: 'archive'; readonly at: number }
  /** Back from the archive, checked as if it were put. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'delete' };

/**
 * The flag after the change; null: it is gone. One that has the name of a feature must be boolean. Throws
 * ERR_FLAG_INVALID, and what `parseFacts` throws.
 */
export function changedFlag(
  key: string,
  change: FlagChange,
  current: Flag | null,
  set: FlagSet,
  isFeature: boolean,
): Flag | null {
  const flag = changed(key, change, current, set);
  if (flag !== null && change.kind !== 'archive' && isFeature && !isBoolean(flag)) throw notBoolean(key);
  return flag === null ? null : boundBy(flag, isFeature);
}

function changed(key: string, change: FlagChange, current: Flag | null, set: FlagSet): Flag | null {
  switch (change.kind) {
    case 'put':
      return { ...parseFlag(key, change.input, set), archivedAt: current?.archivedAt ?? null };
    case 'patch':
      return patchFlag(key, change.input, current!, set);
    case 'archive':
      return { ...current!, archivedAt: current!.archivedAt ?? change.at };
    case 'restore':
      checkDefinition(key, current!.definition, set.evaluators);
      return { ...current!, archivedAt: null };
    case 'delete':
      return null;
  }
}

function notBoolean(key: string): ConfigError {
  const fault = 'it has the name of a feature, so it is bound to its bit, and all its variants must be true or false';
  return flagFault(key, '/variants', fault, 'Give it boolean variants, or another key.');
}
