/**
 * Carrying a plan out. Every write is bound to the revision that the plan was judged against. When one fails, or
 * somebody interrupts, the configs written so far are put back, each as a change of its own; so an import is seen whole
 * or taken back, but others may see its beginning for a moment. Three things stay: names of features, a config that did
 * not exist before (it is put back to the defaults), and both ways in the history.
 * @module
 */
import type { ImportPlan, PlannedConfig } from './import-plan.ts';
import type { Target } from './target.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Write } from '../live/operations.ts';

export interface ImportRun {
  readonly write: Write;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export interface ImportedConfig {
  readonly name: string;
  readonly revision: number;
}

/** Errors: those of every write, saying what was put back; the signal's reason when it aborted. */
export async function runImport(target: Target, plan: ImportPlan, run: ImportRun): Promise<ImportedConfig[]> {
  const { write, signal, onProgress } = run;
  for (const { service, features } of plan.declarations) {
    signal.throwIfAborted();
    await target.declare(service, features, write);
  }
  const done: { planned: PlannedConfig; revision: number }[] = [];
  for (const planned of plan.configs) {
    try {
      signal.throwIfAborted();
      const bound = { ...write, expected: planned.before?.revision ?? 0 };
      const { config } = await target.set(planned.name, planned.input, bound);
      done.push({ planned, revision: config.revision });
      onProgress(done.length, plan.configs.length);
    } catch (error) {
      throw undone(planned.name, error, done.length, await putBack(target, done, write));
    }
  }
  return done.map(({ planned, revision }) => ({ name: planned.name, revision }));
}

/** Newest first. Returns what could not be put back. */
async function putBack(
  target: Target,
  done: readonly { planned: PlannedConfig; revision: number }[],
  { actor }: Write,
): Promise<string[]> {
  const left: string[] = [];
  for (const { planned, revision } of done.toReversed()) {
    const { name, before } = planned;
    const write = { actor, reason: 'the import was not finished', expected: revision };
    try {
      if (before === null) await target.reset(name, write);
      else await target.rollback(name, { revision: before.revision }, write);
    } catch (error) {
      left.push(`${name} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return left;
}

function undone(name: string, error: unknown, done: number, left: readonly string[]): unknown {
  const state =
    left.length > 0 ? `still imported: ${left.join(', ')}` : done === 0 ? 'nothing was changed' : `${done} put back`;
  if (!isConfigError(error))
    return error instanceof Error ? new Error(`${error.message}; ${state}`, { cause: error }) : error;
  const { code, message, hint, details } = error;
  return new ConfigError(code, {
    message: `${name}: ${message}; ${state}`,
    hint,
    details: details as never,
    cause: error,
  });
}
