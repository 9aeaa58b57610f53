/**
 * What an import comes to in one config: which flags it makes and which it replaces, and all of it in one append of the
 * journal, with what the flags share and the bits that follow them, or nothing.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { requireRight, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';
import { isBoolean, wantedBit } from '../flags/bound.ts';
import type { Flag, FlagSet } from '../flags/flag.ts';
import { storedFlag } from '../flags/flag-input.ts';
import { FLAGS_MAX } from '../flags/flags.ts';
import type { Conversion } from '../flags/import/conversion.ts';
import type { NewEntry } from '../journal/journal.ts';
import { Resources, type ResourceWrite } from '../journal/resources.ts';
import type { FlagServices } from './flag-list.ts';
import { checkBindable, type FlagSignature } from './flag-writes.ts';

/** Flags of one import: they have to be in one append. */
const IMPORT_MAX = 900;

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
  for (const { key, flag } of conversion.flags) {
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
  checkCount('flags of the import', written.size, IMPORT_MAX);
  checkCount(`flags of ${config}`, new Set([...known.keys(), ...written.keys()]).size, FLAGS_MAX);
  return { config, steps, flags: written, bits, set: mergedSet((await flags.findSet(config))?.value, conversion.set) };
}

/**
 * How many flags were written. Errors: ERR_REVISION_CONFLICT when one of them changed since the plan was made,
 * ERR_FLAG_INVALID for a flag in use that the new set would break, ERR_FORBIDDEN, ERR_CONFIG_INVALID, what `permit`
 * throws, those of the journal. After an error nothing is written.
 */
export async function runImport(
  { operations, flags, bound }: FlagServices,
  plan: ImportPlan,
  principal: Principal,
  { permit, force = false, ...write }: FlagSignature,
): Promise<number> {
  const { config, bits } = plan;
  if (plan.set !== null) requireRight(principal, 'write', `flagset:${config}`);
  for (const feature of bits.keys()) permit?.(configStream(config), [`feature:${feature}`]);
  const { journal } = operations.store;
  const resources = new Resources(journal, 'flag', storedFlag);
  const entries = await entriesOf(resources, plan, write);
  if (plan.set !== null) entries.push(await flags.setEntryOf(config, plan.set, write));
  if (entries.length === 0) return 0;
  const change = await bound.changeFor(config, bits);
  const { actor, reason = 'import of flags' } = write;
  if (change === null) await journal.append(entries);
  else await operations.bulk([{ name: config, set: change.input }], { actor, reason, force, also: entries });
  return plan.flags.size;
}

async function entriesOf(
  resources: Resources<Flag>,
  { config, flags, steps }: ImportPlan,
  write: ResourceWrite,
): Promise<NewEntry[]> {
  const entries: NewEntry[] = [];
  for (const [key, flag] of flags) {
    // What nobody had made when the plan was seen must not be replaced.
    const expected = steps.get(key) === 'make' ? { expected: 0 } : {};
    entries.push(await resources.putEntry(`${config}/${key}`, flag, { ...write, ...expected }));
  }
  return entries;
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

function checkCount(what: string, value: number, max: number): void {
  if (value <= max) return;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `There are ${value} ${what} (at most ${max})`,
    hint: 'Import it in parts, or archive and delete what nobody asks for.',
    details: { field: 'flags', value, min: 0, max },
  });
}
