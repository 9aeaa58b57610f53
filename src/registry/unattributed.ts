/** Finds, while the registry serves, what processes changed and were killed before they could enter. @module */
import type { ConfigOperations } from '../live/operations.ts';
import { REGISTRY_ACTOR } from './bootstrap.ts';

const SIGN_INTERVAL_MS = 1000;
const SIGNATURE = { actor: REGISTRY_ACTOR, reason: 'found on the board without an entry' };

/** Changes of processes that died before they could sign: looked for while serving. Returns the way to stop. */
export function signUnattributed({ store }: ConfigOperations, log: (line: string) => void): () => Promise<void> {
  let look: Promise<void> | null = null;
  let lastFailure = '';
  const onFailure = (error: unknown): void => {
    const failure = String(error);
    // A full disk fails every second the same way: said once.
    if (failure !== lastFailure) log(`cannot sign what was found without an entry: ${failure}`);
    lastFailure = failure;
  };
  const timer = setInterval(() => {
    look ??= store
      .signUnattributed(SIGNATURE)
      .then(() => void (lastFailure = ''), onFailure)
      .finally(() => (look = null));
  }, SIGN_INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await look;
  };
}
