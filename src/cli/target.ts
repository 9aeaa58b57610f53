/**
 * Where a command works: a running registry, or a database file. Both answer in the terms of `ConfigOperations`, so no
 * command knows which of the two it has.
 * @module
 */
import type { ConfigOperations, ListQuery } from '../live/operations.ts';

/** What every target can do to configs; the words, the shapes and the errors are those of `ConfigOperations`. */
export type ConfigTarget = Pick<
  ConfigOperations,
  | 'get'
  | 'list'
  | 'set'
  | 'applyTemplate'
  | 'reset'
  | 'rollback'
  | 'migrate'
  | 'restore'
  | 'history'
  | 'analytics'
  | 'templates'
  | 'validate'
  | 'features'
  | 'declare'
  | 'environment'
  | 'backup'
  | 'backups'
  | 'status'
>;

export interface Target extends ConfigTarget {
  readonly kind: 'registry' | 'database';
  /** The registry's URL or the database's path. */
  readonly address: string;
  /** Prometheus text. Throws ERR_USAGE where there is no process to measure. */
  metrics(): Promise<string>;
  /** Finishes what is queued and lets go of files and connections. */
  close(): Promise<void>;
}

/** Configs asked for at once while walking through all of them. */
const PAGE = 100;

/** Every config of a target that a query asks for, by name. */
export async function allConfigs(
  target: Pick<Target, 'list'>,
  wanted: Omit<ListQuery, 'after' | 'limit'> = {},
): Promise<Awaited<ReturnType<Target['list']>>> {
  const found: Awaited<ReturnType<Target['list']>> = [];
  for (;;) {
    const page = await target.list({ ...wanted, after: found.at(-1)?.name ?? '', limit: PAGE });
    found.push(...page);
    if (page.length < PAGE) return found;
  }
}
