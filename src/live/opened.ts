/**
 * Opens one config: finds its memory, brings the slot to its newest known state (from the journal, or a new one),
 * declares the service's features. Whatever was opened before a failure is let go of again.
 * @module
 */
import type { Backend, SlotImage } from '../../bindings/backend.ts';
import type { AnalyticsCounter } from '../config/analytics.ts';
import { FeatureSet, mergeFeatures, type FeatureDeclaration } from '../config/features.ts';
import { readSetting } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import { NO_JOURNAL, openBoardPlace } from '../sync/board.ts';
import { claimPlaceIds } from '../sync/place-ids.ts';
import { openMemoryPlace, type Place } from '../sync/place.ts';
import { ChangeLog } from './change-log.ts';
import { ConfigSlot, conflict } from './config-slot.ts';
import { boardCore, core } from './core.ts';
import { boardIn, openDataDirectory } from './data-directory.ts';
import { openDatabase, type Database, type StoredConfig } from './database.ts';
import { firstImage, imageOf } from './images.ts';
import type { ParsedOptions } from './options.ts';
import { JournalPast, RingPast, type Past } from './past.ts';
import { expectUnshared } from './place-rules.ts';
import { isRefusal } from './recorder.ts';

/** Far more processes than declare at the same moment. */
const DECLARE_ATTEMPTS_MAX = 100;

export interface OpenedConfig {
  readonly backend: Backend;
  readonly slot: ConfigSlot;
  readonly features: FeatureSet;
  readonly past: Past;
  readonly counter: AnalyticsCounter;
  /** null for a config without a journal. */
  readonly log: ChangeLog | null;
}

export function openConfig(options: ParsedOptions): OpenedConfig {
  const database = options.persistPath === null ? null : openDatabase(options.persistPath);
  try {
    return openWith(options, database);
  } catch (error) {
    database?.abandon();
    throw error;
  }
}

function openWith(options: ParsedOptions, database: Database | null): OpenedConfig {
  const { backend } = core();
  const { name } = options;
  // Before the journal is read: from when there is a board nobody writes past it, so what is read then is all there is.
  const slot = new ConfigSlot(backend, placeFor(options, database), { ring: true, timed: options.debugMode });
  try {
    const stored = database?.read(name) ?? null;
    const features = featuresFor(options, stored);
    const image = stored?.state ?? null;
    const first = image === null ? firstImage() : imageOf(image);
    const isNew = slot.raise(first) && image === null;
    claimPlaceIds(backend, slot.words, options.place);
    const past = database === null ? new RingPast(slot) : new JournalPast(database, name, slot, features);
    const counter = past.counter();
    const log = database === null ? null : new ChangeLog(database, name, slot.place);
    if (isNew) recordCreation(options, first, log);
    if (log !== null) declareFeatures(options, features, stored!, log);
    return { backend, slot, features, past, counter, log };
  } catch (error) {
    slot.close();
    throw error;
  }
}

function featuresFor({ features }: ParsedOptions, stored: StoredConfig | null): FeatureSet {
  if (stored === null) return new FeatureSet(features);
  return mergeFeatures(stored.features.declaration, features, stored.uses);
}

function placeFor({ enableClusterSync, name }: ParsedOptions, database: Database | null): Place {
  const native = boardCore();
  const isShared = enableClusterSync ?? (database !== null && native !== null);
  if (!isShared) {
    if (database !== null) expectUnshared(database.path);
    return openMemoryPlace(core().backend);
  }
  if (native === null) throw unshareable();
  if (database !== null) return openBoardPlace(native, database.board, name);
  const path = boardIn(openDataDirectory(readSetting('dataDirectory')));
  return openBoardPlace(native, { path, journalId: NO_JOURNAL, capacity: readSetting('boardCapacity') }, name);
}

function unshareable(): ConfigError<'ERR_UNSUPPORTED'> {
  const platform = `${process.platform}-${process.arch}`;
  return new ConfigError('ERR_UNSUPPORTED', {
    message: `enableClusterSync needs the native core, on Linux; on ${platform} this process has ${core().reason}`,
    hint: 'Build the native library with `bun run build:zig`, or leave enableClusterSync out.',
    details: { what: 'enableClusterSync', platform },
  });
}

/** As it was made: others may have changed the slot since. */
function recordCreation({ actor }: ParsedOptions, first: SlotImage, log: ChangeLog | null): void {
  log?.record({ revision: 1, kind: 'create', at: first.modifiedAt, before: null, after: first }, { actor, reason: '' });
}

/**
 * Journal-first: of two processes that declare at once, the second reads what the first wrote and adds to it. A
 * declaration that cannot be stored is this config's fault alone.
 */
function declareFeatures(options: ParsedOptions, features: FeatureSet, stored: StoredConfig, log: ChangeLog): void {
  if (sameDeclaration(features.declaration, stored.features.declaration)) return;
  log.database.recorder.run(async () => {
    try {
      await declareIn(log.database, options);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log.refusedDeclaration = error;
    }
  });
}

async function declareIn(database: Database, { name, actor, features: own }: ParsedOptions): Promise<void> {
  let revision = 0;
  for (let attempt = 0; attempt < DECLARE_ATTEMPTS_MAX; attempt++) {
    const current = await database.stored(name);
    revision = current.features.revision;
    const { declaration } = mergeFeatures(current.features.declaration, own, current.uses);
    if (sameDeclaration(declaration, current.features.declaration)) return;
    if (await database.declare(name, declaration, revision, actor)) return;
  }
  throw conflict(revision, revision + 1, `features:${name}`);
}

function sameDeclaration(a: FeatureDeclaration, b: FeatureDeclaration): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
