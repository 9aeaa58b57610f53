/** Finds, while the registry serves, what processes changed and were killed before they could enter. @module */
import type { ConfigOperations } from '../live/operations.ts';
import { REGISTRY_ACTOR } from './bootstrap.ts';
import { repeated } from './repeated.ts';

const SIGN_INTERVAL_MS = 1000;
const SIGNATURE = { actor: REGISTRY_ACTOR, reason: 'found on the board without an entry' };

/** Changes of processes that died before they could sign: looked for while serving. Returns the way to stop. */
export function signUnattributed({ store }: ConfigOperations, log: (line: string) => void): () => Promise<void> {
  return repeated({
    interval_ms: SIGN_INTERVAL_MS,
    work: () => store.signUnattributed(SIGNATURE),
    onFailure: (failure) => log(`cannot sign what was found without an entry: ${failure}`),
  });
}
