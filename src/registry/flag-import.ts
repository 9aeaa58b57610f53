/**
 * What an import comes to in one config: which flags it makes and which it replaces. They are written in their order,
 * as many at once as one append of the journal holds, the first ones with what all of them share, each with the bit
 * that follows it. What is the same already is not written, so that one that ended early is ended by running it again;
 * what changed since the plan was made is not overwritten.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { requireRight, type Principal } from '../auth/rights.ts';
import type { FeatureSet } from '../config/features.ts';
import { flagSetStream, flagStream } from '../config/streams.ts';
import { ConfigError, configErrorFrom, isConfigError } from '../errors/errors.ts';
import { boundBy, isBoolean } from '../flags/bound.ts';
import type { Flag, FlagSet } from '../flags/flag.ts';
import { storedFlag } from '../flags/flag-input.ts';
import { FLAGS_MAX } from '../flags/flags.ts';
import { checkTotalCost } from '../flags/total-cost.ts';
import { Turns } from '../flags/turns.ts';
import type { Conversion, ConversionOptions } from '../flags/import/conversion.ts';
import { replacedNames } from '../flags/import/flagd.ts';
import { Resources } from '../journal/resources.ts';
import { convertFile } from './flag-conversion.ts';
import type { FlagServices } from './flag-list.ts';
import {
  admitFlags,
  appendFlags,
  expectRevision,
  flagAppend,
  type FlagAppend,
  type FlagSignature,
} from './flag-writes.ts';

/** Flags of one append, which takes a few entries more. */
const APPEND_MAX = 900;

/** What becomes of a flag of the source. */
export type ImportStep = 'make' | 'replace' | 'none' | 'skip';

/** What is to be written, on what was seen. */
interface Planned<T> {
  readonly value: T;
  /** The revision that was seen; 0: there was none. */
  readonly expected: number;
}

export interface ImportPlan {
  readonly config: string;
  readonly conversion: Conversion;
  /** By key, in the order of the source. */
  readonly steps: ReadonlyMap<string, ImportStep>;
  /** By key: the revision that was seen, 0: there was none. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Those to be written. */
  readonly flags: ReadonlyMap<string, Planned<Flag>>;
  /** What the flags share from then on; null: as it is. */
  readonly set: Planned<FlagSet> | null;
  /** Shared rules that become others, for all flags that refer to them. */
  readonly replaced: readonly string[];
}

type ImportServices = Pick<FlagServices, 'operations' | 'flags'>;

/**
 * Changes nothing. Errors: ERR_NOT_FOUND, those of `convertFile`, ERR_OUT_OF_RANGE for too many flags, ERR_FLAG_INVALID
 * for one that has a feature's name and is not boolean, ERR_FORBIDDEN.
 */
export async function planImport(
  { operations: { store }, flags }: ImportServices,
  config: string,
  text: string,
  options: ConversionOptions,
): Promise<ImportPlan> {
  await admitFlags(store, { config, keys: [] });
  const seen = await flags.findSet(config);
  const known = new Map((await flags.all(config)).map((flag) => [flag.key, flag]));
  const there = {
    flags: new Map([...known].map(([key, { value }]) => [key, value])),
    set: seen?.value ?? { evaluators: {}, metadata: {} },
  };
  const conversion = await convertFile(text, options, there);
  const features = await store.features(config);
  const { steps, made } = await stepsOf(conversion, there.flags, features);
  const isFeature = await admitFlags(store, { config, keys: [...made.keys()] });
  await checkTotalCost(made.keys().next().value ?? '$set', new Map([...there.flags, ...made]), conversion.set);
  for (const [key, flag] of made) if (isFeature(key) && !isBoolean(flag)) throw notBoolean(key);
  expectRoom(config, new Set([...known.keys(), ...made.keys()]).size);
  const revisions = new Map([...steps.keys()].map((key) => [key, known.get(key)?.revision ?? 0]));
  const planned = [...made].map(([key, value]) => [key, { value, expected: revisions.get(key)! }] as const);
  const isSame = isDeepStrictEqual({ ...conversion.set }, { ...there.set });
  return {
    config,
    conversion,
    steps,
    revisions,
    flags: new Map(planned),
    set: isSame ? null : { value: conversion.set, expected: seen?.revision ?? 0 },
    replaced: replacedNames(there.set.evaluators, conversion.set.evaluators),
  };
}

/** What becomes of each flag, and those that are made. */
async function stepsOf({ flags }: Conversion, known: ReadonlyMap<string, Flag>, features: FeatureSet) {
  const steps = new Map<string, ImportStep>();
  const made = new Map<string, Flag>();
  const turns = new Turns();
  for (const { key, flag: converted } of flags) {
    if (turns.isOver) await turns.next();
    const flag = converted === null ? null : boundBy(converted, features.has(key));
    const step = stepOf(flag, known.get(key));
    // Of two with one key the first is taken, and the other one is a finding.
    if (!steps.has(key)) steps.set(key, step);
    if (flag !== null && step !== 'none') made.set(key, flag);
  }
  return { steps, made };
}

/**
 * Whether the flags to be written are still those of an earlier plan, by the revisions that it saw. Throws
 * ERR_REVISION_CONFLICT.
 */
export function expectSeen({ config, flags }: ImportPlan, revisions: Readonly<Record<string, number>>): void {
  for (const [key, { expected: revision }] of flags) {
    if (Object.hasOwn(revisions, key)) expectRevision(flagStream(config, key), revisions[key], { revision });
  }
}

/**
 * How many flags were written. Errors: ERR_REVISION_CONFLICT when one of them, or what they share, changed since the
 * plan was made; ERR_IMPORT where it replaces shared rules and is not forced; ERR_FLAG_INVALID for a flag in use that
 * the new set would break, ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_CONFIG_INVALID, what `permit` throws, those of the
 * journal. After an error nothing is written but what its message says.
 */
export async function runImport(
  services: ImportServices,
  plan: ImportPlan,
  principal: Principal,
  write: FlagSignature,
): Promise<number> {
  const { config, flags } = plan;
  if (plan.set !== null) requireRight(principal, 'write', flagSetStream(config));
  if (plan.replaced.length > 0 && write.force !== true) throw replacesEvaluators(plan);
  // Before the first part is written: who may not write the last one writes none.
  await admitFlags(services.operations.store, { config, keys: [...flags.keys()], permit: write.permit });
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
  services: ImportServices,
  plan: ImportPlan,
  keys: readonly string[],
  write: FlagSignature,
): Promise<void> {
  if (keys.length === 0 && plan.set === null) return;
  const { actor, reason = 'import of flags', force } = write;
  const prepare = () => partOf(services, plan, keys, write);
  await appendFlags(services, plan.config, prepare, { actor, reason, force, isRetried: false });
}

async function partOf(
  { operations: { store }, flags }: ImportServices,
  { config, flags: planned, set }: ImportPlan,
  keys: readonly string[],
  { actor, reason, permit }: FlagSignature,
): Promise<FlagAppend> {
  const resources = new Resources(store.journal, 'flag', storedFlag);
  const part = await flagAppend(store, { config, keys, permit }, async (key) => {
    const { value, expected } = planned.get(key)!;
    return { after: value, entry: await resources.putEntry(`${config}/${key}`, value, { actor, reason, expected }) };
  });
  if (set === null) return part;
  const shared = await flags.setEntryOf(config, set.value, { actor, reason, expected: set.expected });
  return { ...part, entries: [...part.entries, shared] };
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

function replacesEvaluators({ conversion: { format }, replaced }: ImportPlan): ConfigError {
  const names = replaced.map((name) => `'${name}'`).join(', ');
  const fault = `the config has other evaluators of these names: ${names}`;
  return new ConfigError('ERR_IMPORT', {
    message: `Other flags would answer otherwise: ${fault}`,
    hint: 'Give those of the file other names, or force it: then flags that refer to them answer by those of the file.',
    details: { format, fault },
  });
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
