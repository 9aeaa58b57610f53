/**
 * What an import comes to in one config: which flags it makes and which it replaces. They are written in their order,
 * as many at once as one append of the journal holds, the first ones with what all of them share, each with the bit
 * that follows it. What is the same already is not written, so that one that ended early is ended by running it again.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { requireRight, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { ConfigError, configErrorFrom, isConfigError } from '../errors/errors.ts';
import { isBoolean, wantedBit } from '../flags/bound.ts';
import type { Flag, FlagSet } from '../flags/flag.ts';
import { storedFlag } from '../flags/flag-input.ts';
import { FLAGS_MAX } from '../flags/flags.ts';
import { Turns } from '../flags/turns.ts';
import type { Conversion } from '../flags/import/conversion.ts';
import type { NewEntry } from '../journal/journal.ts';
import { Resources, type ResourceWrite } from '../journal/resources.ts';
import { bitChange } from './bit-change.ts';
import type { FlagServices } from './flag-list.ts';
import { checkBindable, type FlagSignature } from './flag-writes.ts';

/** Flags of one append, which takes a few entries more. */
const APPEND_MAX = 900;

/** What becomes of a flag of the source. */
export type ImportStep = 'make' | 'replace' | 'none' | 'skip';

export interface ImportPlan {
  readonly config: string;
  /** By key, in the order of the source. */
  readonly steps: ReadonlyMap<string, ImportStep>;
  /** Those to be written. */
  readonly flags: ReadonlyMap<string, Flag>;
  /** What the flags share from then on; null: as it is. */
  readonly set: FlagSet | null;
  /** Bits by feature. */
  readonly bits: ReadonlyMap<string, boolean>;
}

/**
 * Changes nothing. Errors: ERR_NOT_FOUND, ERR_OUT_OF_RANGE for too many flags, ERR_FLAG_INVALID for one that has a
 * feature's name and is not boolean, ERR_FORBIDDEN.
 */
export async function planImport(
  { operations, flags }: FlagServices,
  config: string,
  conversion: Conversion,
): Promise<ImportPlan> {
  await operations.get(config);
  const features = await operations.store.features(config);
  const known = new Map((await flags.all(config)).map(({ key, value }) => [key, value]));
  const steps = new Map<string, ImportStep>();
  const written = new Map<string, Flag>();
  const bits = new Map<string, boolean>();
  const turns = new Turns();
  for (const { key, flag } of conversion.flags) {
    if (turns.isOver) await turns.next();
    const step = stepOf(flag, known.get(key));
    // Of two with one key the first is taken, and the other one is a finding.
    if (!steps.has(key)) steps.set(key, step);
    if (flag === null || step === 'skip' || step === 'none') continue;
    written.set(key, flag);
    if (!features.has(key)) continue;
    checkBindable(config, key);
    if (!isBoolean(flag)) throw notBoolean(key);
    bits.set(key, wantedBit(flag));
  }
  expectRoom(config, new Set([...known.keys(), ...written.keys()]).size);
  return { config, steps, flags: written, bits, set: mergedSet((await flags.findSet(config))?.value, conversion.set) };
}

/**
 * How many flags were written. Errors: ERR_REVISION_CONFLICT when one of them changed since the plan was made,
 * ERR_FLAG_INVALID for a flag in use that the new set would break, ERR_FORBIDDEN, ERR_CONFIG_INVALID, what `permit`
 * throws, those of the journal. After an error nothing is written but what its message says.
 */
export async function runImport(
  services: FlagServices,
  plan: ImportPlan,
  principal: Principal,
  { permit, ...write }: FlagSignature,
): Promise<number> {
  const { config, bits, flags } = plan;
  if (plan.set !== null) requireRight(principal, 'write', `flagset:${config}`);
  for (const feature of bits.keys()) permit?.(configStream(config), [`feature:${feature}`]);
  let written = 0;
  for (const keys of partsOf([...flags.keys()])) {
    try {
      await writePart(services, { ...plan, set: written === 0 ? plan.set : null }, keys, write);
    } catch (error) {
      throw written === 0 ? error : afterSome(error, written, flags.size);
    }
    written += keys.length;
  }
  return written;
}

/** At least one: what flags share may change alone. */
function partsOf(keys: readonly string[]): readonly (readonly string[])[] {
  const count = Math.max(1, Math.ceil(keys.length / APPEND_MAX));
  return Array.from({ length: count }, (_, i) => keys.slice(i * APPEND_MAX, (i + 1) * APPEND_MAX));
}

async function writePart(
  { operations, flags }: FlagServices,
  plan: ImportPlan,
  keys: readonly string[],
  { force = false, ...write }: Omit<FlagSignature, 'permit'>,
): Promise<void> {
  const { config, set } = plan;
  const { store } = operations;
  const resources = new Resources(store.journal, 'flag', storedFlag);
  const entries: NewEntry[] = [];
  for (const key of keys) entries.push(await entryOf(resources, plan, key, write));
  if (set !== null) entries.push(await flags.setEntryOf(config, set, write));
  if (entries.length === 0) return;
  const change = await bitChange(store, config, new Map([...plan.bits].filter(([key]) => keys.includes(key))));
  const { actor, reason = 'import of flags' } = write;
  if (change === null) await store.journal.append(entries);
  else await operations.bulk([{ name: config, set: change.input }], { actor, reason, force, also: entries });
}

async function entryOf(
  resources: Resources<Flag>,
  { config, flags, steps }: ImportPlan,
  key: string,
  write: ResourceWrite,
): Promise<NewEntry> {
  // What nobody had made when the plan was seen must not be replaced.
  const expected = steps.get(key) === 'make' ? { expected: 0 } : {};
  return await resources.putEntry(`${config}/${key}`, flags.get(key)!, { ...write, ...expected });
}

/** The same error, which says what was done before it. */
function afterSome(error: unknown, written: number, all: number): unknown {
  if (!isConfigError(error)) return error;
  const { message, hint, ...rest } = error.toJSON();
  return configErrorFrom({
    ...rest,
    message: `${message} (${written} of ${all} flags were written before that)`,
    hint: `${hint} Then import the same again: what is written already is left as it is.`,
  } as Parameters<typeof configErrorFrom>[0]);
}

function stepOf(flag: Flag | null, known: Flag | undefined): ImportStep {
  if (flag === null) return 'skip';
  if (known === undefined) return 'make';
  return isDeepStrictEqual({ ...flag }, { ...known }) ? 'none' : 'replace';
}

/** null: there is nothing new in it. */
function mergedSet(known: FlagSet | undefined, { evaluators, metadata }: FlagSet): FlagSet | null {
  const current = known ?? { evaluators: {}, metadata: {} };
  const merged = {
    evaluators: { ...current.evaluators, ...evaluators },
    metadata: { ...current.metadata, ...metadata },
  };
  return isDeepStrictEqual(merged, { ...current }) ? null : merged;
}

function notBoolean(key: string): ConfigError {
  return new ConfigError('ERR_FLAG_INVALID', {
    message: `The flag '${key}' has the name of a feature, so it is bound to its bit, and must be boolean`,
    hint: 'Import it under another key: give a prefix.',
    details: { flag: key, path: '/variants', fault: 'not boolean' },
  });
}

function expectRoom(config: string, count: number): void {
  if (count <= FLAGS_MAX) return;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `There would be ${count} flags of ${config} (at most ${FLAGS_MAX})`,
    hint: 'Delete what nobody asks for any more, or take some of them into another config.',
    details: { field: 'flags', value: count, min: 0, max: FLAGS_MAX },
  });
}
