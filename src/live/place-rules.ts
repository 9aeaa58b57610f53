/** Rules about where a config is opened: what others who have it say otherwise, and who must not write. @module */
import { existsSync } from 'node:fs';
import type { Backend } from '../../bindings/backend.ts';
import type { ConfigPlace } from '../config/metadata.ts';
import type { Rule } from '../config/validation.ts';
import { ConfigError } from '../errors/errors.ts';
import { boardPathOf } from '../sync/board.ts';
import { isOtherPlace } from '../sync/place-ids.ts';
import { boardCore } from './core.ts';
import type { WordsHolder } from './feature-reader.ts';

/**
 * A warning each for a region and a cluster that differ from what the first process said that opened the same board.
 */
export function placeRules(backend: Backend, holder: WordsHolder, place: ConfigPlace): readonly Rule[] {
  const rule = (code: string, word: 'region' | 'clusterId'): Rule => ({
    code,
    severity: 'warning',
    path: word,
    hint: `Open the config with one ${word} on one host, or under another name.`,
    check: () =>
      isOtherPlace(backend, holder.words, word, place[word])
        ? `This process says ${word} '${place[word]}', another one that shares the config says otherwise`
        : null,
  });
  return [rule('REGION_MISMATCH', 'region'), rule('CLUSTER_MISMATCH', 'clusterId')];
}

/**
 * Why nobody may change a config of this database in memory of his own: the swaps of a board are the one order of
 * changes, and he would write past them. null while there is no board.
 */
export function sharedElsewhere(database: string): ConfigError<'ERR_BOARD'> | null {
  const path = boardPathOf(database);
  if (!existsSync(path)) return null;
  const remedy =
    boardCore() === null ? 'Open it with the native core, on Linux' : 'Open it with enableClusterSync left out';
  return new ConfigError('ERR_BOARD', {
    message: `Other processes share the database ${database} through the board ${path}: nobody may write past it`,
    hint: `${remedy}; or, if no process uses the board, remove that file.`,
    details: { path, fault: 'shared' },
  });
}

/** Throws that as ERR_BOARD. */
export function expectUnshared(database: string): void {
  const refused = sharedElsewhere(database);
  if (refused !== null) throw refused;
}
