/**
 * Long work as generators: each step is short, and whoever drives them decides what happens in between.
 * @module
 */

/** How far long work has come, in entries. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Drives the steps without a pause. */
export function drain<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Drives the steps, letting everything else that waits have its turn after each. */
export async function drainInTurns<T>(
  steps: Generator<Progress, T>,
  between: (progress: Progress) => void,
): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    between(step.value);
    await nextTurn();
  }
}

/** Resolves after the events that are already waiting were handled: messages, timers, other steps. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
