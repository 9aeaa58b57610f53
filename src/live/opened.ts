/**
 * Opens one config: finds its memory, gives an empty slot its first state (from the journal, or a new one), declares the
 * service's features, and knows how to let all of it go again.
 * @module
 */
import type { Backend, SlotImage } from '../../bindings/backend.ts';
import { readConfigVariables } from '../config/environment.ts';
import { FeatureSet, mergeFeatures, type FeatureDeclaration } from '../config/features.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../config/value.ts';
import { processVariables, readSetting } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import { boardPathOf, NO_JOURNAL, openBoardPlace } from '../sync/board.ts';
import { openMemoryPlace, type Place } from '../sync/place.ts';
import { ConfigSlot } from './config-slot.ts';
import { core } from './core.ts';
import { boardIn, openDataDirectory } from './data-directory.ts';
import { openDatabase, type Database, type StoredConfig } from './database.ts';
import type { ParsedOptions } from './options.ts';
import { rolloutsOf, type StoredState } from './projection.ts';

/** Far more processes than declare at the same moment. */
const DECLARE_ATTEMPTS_MAX = 100;

export interface OpenedConfig {
  readonly backend: Backend;
  readonly slot: ConfigSlot;
  readonly features: FeatureSet;
  /** null for a config without a journal. */
  readonly database: Database | null;
}

export function openConfig(options: ParsedOptions): OpenedConfig {
  const { backend } = core();
  const database = options.persistPath === null ? null : openDatabase(options.persistPath);
  const stored = database?.read(options.name) ?? null;
  const features = featuresFor(options, stored);
  const slot = new ConfigSlot(backend, placeFor(options, database), { ring: true, timed: options.debugMode });
  const image = stored?.state ?? null;
  const isNew = slot.isEmpty && slot.seed(image === null ? firstImage() : imageOf(image)) && image === null;
  if (isNew) recordCreation(options, slot, database);
  declareFeatures(options, features, stored, database);
  return { backend, slot, features, database };
}

/** The slot's image of what the journal keeps. */
export function imageOf(state: StoredState): SlotImage {
  return {
    revision: state.revision,
    config: state.config,
    modifiedAt: state.modifiedAt,
    rolloutsRevision: state.rolloutsRevision,
    rollouts: rolloutsOf(state.rollouts),
  };
}

/** Revision 1: the defaults, with what the BUN_* variables say. Throws ERR_SETTING for a malformed variable. */
export function firstImage(): SlotImage {
  return {
    revision: 1,
    config: encodeConfig({ ...DEFAULT_CONFIG, ...readConfigVariables(processVariables()) }),
    modifiedAt: Date.now(),
    rolloutsRevision: 1,
    rollouts: new Uint16Array(32),
  };
}

function featuresFor({ features }: ParsedOptions, stored: StoredConfig | null): FeatureSet {
  if (stored === null) return new FeatureSet(features);
  return mergeFeatures(stored.features.declaration, features, stored.uses);
}

function placeFor({ enableClusterSync, name }: ParsedOptions, database: Database | null): Place {
  const { backend, native, reason } = core();
  if (!enableClusterSync) return openMemoryPlace(backend);
  if (native === null) {
    throw new ConfigError('ERR_UNSUPPORTED', {
      message: `enableClusterSync needs the native core; this process has ${reason}`,
      hint: 'Build the native library with `bun run build:zig`, or leave enableClusterSync out.',
      details: { what: 'enableClusterSync', platform: `${process.platform}-${process.arch}` },
    });
  }
  if (database !== null) {
    return openBoardPlace(native, { path: boardPathOf(database.path), journalId: database.journalId }, name);
  }
  const path = boardIn(openDataDirectory(readSetting('dataDirectory')));
  return openBoardPlace(native, { path, journalId: NO_JOURNAL }, name);
}

function recordCreation({ name, actor }: ParsedOptions, slot: ConfigSlot, database: Database | null): void {
  const image = slot.read();
  database?.recorder.record(
    name,
    { revision: 1, kind: 'create', at: image.modifiedAt, before: null, after: image },
    { actor, reason: '' },
  );
}

/** Journal-first: of two processes that declare at once, the second reads what the first wrote and adds to it. */
function declareFeatures(
  { name, actor, features: own }: ParsedOptions,
  features: FeatureSet,
  stored: StoredConfig | null,
  database: Database | null,
): void {
  if (database === null || stored === null) return;
  if (sameDeclaration(features.declaration, stored.features.declaration)) return;
  database.recorder.run(async () => {
    for (let attempt = 0; attempt < DECLARE_ATTEMPTS_MAX; attempt++) {
      const current = await database.stored(name);
      const { declaration } = mergeFeatures(current.features.declaration, own, current.uses);
      if (sameDeclaration(declaration, current.features.declaration)) return;
      if (await database.declare(name, declaration, current.features.revision, actor)) return;
    }
  });
}

function sameDeclaration(a: FeatureDeclaration, b: FeatureDeclaration): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
