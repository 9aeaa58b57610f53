/**
 * Where a command works: a running registry, or a database file. Both answer in the terms of `ConfigOperations`, so no
 * command knows which of the two it has.
 * @module
 */
import type { Declared, DeclaredKind } from './declared.ts';
import { FeatureSet, FIRST_USER_BIT, type FeatureDeclaration } from '../config/features.ts';
import { isConfigError } from '../errors/errors.ts';
import type { ResourceWrite } from '../journal/resources.ts';
import type { ConfigOperations, ListQuery } from '../live/operations.ts';
import type { AlertState } from '../metrics/alerts.ts';

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
  | 'delete'
  | 'bulk'
  | 'history'
  | 'analytics'
  | 'templates'
  | 'validate'
  | 'features'
  | 'declare'
  | 'environment'
  | 'backup'
  | 'backups'
  | 'exportAll'
  | 'status'
>;

export interface Target extends ConfigTarget {
  readonly kind: 'registry' | 'database';
  /** The registry's URL or the database's path. */
  readonly address: string;
  /** Prometheus text. Throws ERR_USAGE where there is no process to measure. */
  metrics(): Promise<string>;
  /** What fires, or will if nothing changes. Throws ERR_USAGE where nothing is watched. */
  alerts(): Promise<readonly AlertState[]>;
  /** What a config's service has called its bits, whether the config is there or not. */
  declaration(name: string): Promise<FeatureDeclaration>;
  /** Templates or rules, built in and the team's own, by their keys. */
  declared(kind: DeclaredKind): Promise<readonly Declared[]>;
  /** Throws ERR_NOT_FOUND. */
  findDeclared(kind: DeclaredKind, key: string): Promise<Declared>;
  /** Errors: those of `Declarations`, ERR_NOT_FOUND where the registry does not offer it. */
  saveDeclared(kind: DeclaredKind, key: string, input: unknown, write: ResourceWrite): Promise<Declared>;
  /** Errors: ERR_NOT_FOUND, ERR_FORBIDDEN for a built-in one, ERR_REVISION_CONFLICT. */
  deleteDeclared(kind: DeclaredKind, key: string, write: ResourceWrite): Promise<void>;
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

/** What a config's bits are called, also those of one that is no longer there. */
export async function featuresOf(target: Pick<Target, 'features' | 'declaration'>, name: string): Promise<FeatureSet> {
  try {
    const own = (await target.features(name)).filter(({ bit }) => bit >= FIRST_USER_BIT);
    return new FeatureSet(Object.fromEntries(own.map(({ feature, bit }) => [feature, bit])));
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_NOT_FOUND') throw error;
    return new FeatureSet(await target.declaration(name));
  }
}
