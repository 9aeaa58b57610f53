/** The operations on a database of the test's own. @module */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations, type OperationsOptions, type Write } from '../../src/live/operations.ts';
import { tempDirectory } from '../journal/fixtures.ts';

export const ANN: Write = { actor: 'ann' };

export interface OpenedOperations {
  readonly operations: ConfigOperations;
  readonly persistPath: string;
}

/** Closed when the test ends. */
export async function openOperations(
  options: OperationsOptions = {},
  persistPath: string = join(tempDirectory(), 'config.db'),
): Promise<OpenedOperations> {
  const store = await openConfigStore(persistPath);
  onTestFinished(async () => await store.close());
  return { operations: new ConfigOperations(store, options), persistPath };
}

export async function namesOf(operations: ConfigOperations): Promise<string[]> {
  return (await operations.list()).map(({ name }) => name);
}

/** Kinds and revisions, newest first. */
export async function pastOf(operations: ConfigOperations, name: string): Promise<[number, string][]> {
  return (await operations.history(name)).entries.map(({ revision, kind }) => [revision, kind]);
}
