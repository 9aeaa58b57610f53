/**
 * Work that the registry does by the clock: never twice at once, and a failure that stays the same is said once.
 * @module
 */

export interface RepeatedOptions {
  readonly interval_ms: number;
  readonly work: () => void | Promise<void>;
  /** Hears of a failure, and again when it becomes another one or comes back. */
  readonly onFailure: (failure: string) => void;
}

/** Returns the way to stop, which waits for what is under way. Keeps no process alive. */
export function repeated({ interval_ms, work, onFailure }: RepeatedOptions): () => Promise<void> {
  let underWay: Promise<void> | null = null;
  let lastFailure = '';
  const run = async (): Promise<void> => {
    try {
      await work();
      lastFailure = '';
    } catch (error) {
      const failure = String(error);
      if (failure !== lastFailure) onFailure(failure);
      lastFailure = failure;
    }
  };
  const timer = setInterval(() => {
    underWay ??= run().finally(() => (underWay = null));
  }, interval_ms);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
