/**
 * The border for flags as people write them, `{ definition, clientVisible, owner, ... }`, and as they were stored. What
 * a change does with them is not known here.
 * @module
 */
import { asObject, unknownField } from '../config/input.ts';
import { parseDefinition } from './definition.ts';
import { FACT_FIELDS, parseFacts } from './facts.ts';
import { flagFault } from './fault.ts';
import { type Flag, type FlagFacts, type FlagSet, NO_FACTS } from './flag.ts';

const FIELDS: readonly string[] = ['definition', ...FACT_FIELDS];

/**
 * A whole flag; facts that are left out are said of nobody. Throws ERR_FLAG_INVALID for its definition,
 * ERR_UNKNOWN_FIELD, and what `parseFacts` throws.
 */
export function parseFlag(key: string, input: unknown, { evaluators }: FlagSet): Flag {
  const { definition, facts } = splitInput(input);
  if (definition === undefined) {
    throw flagFault(key, '', 'its definition is missing', 'Give {"definition":{"state":"ENABLED","variants":{...}}}.');
  }
  return { ...parseFacts(facts, NO_FACTS), definition: parseDefinition(key, definition, evaluators), archivedAt: null };
}

/**
 * `current` with what is given: facts one by one, and of the definition field by field (null takes a field away).
 * Throws as `parseFlag`.
 * @example patchFlag('banner', { definition: { state: 'DISABLED' } }, flag, set)
 */
export function patchFlag(key: string, input: unknown, current: Flag, { evaluators }: FlagSet): Flag {
  const { definition: given, facts } = splitInput(input);
  const patched: Flag = { ...current, ...parseFacts(facts, current) };
  if (given === undefined) return patched;
  const fields = Object.entries({ ...current.definition, ...asObject('definition', given) });
  const definition = Object.fromEntries(fields.filter(([, value]) => value !== null));
  return { ...patched, definition: parseDefinition(key, definition, evaluators) };
}

/** What the journal holds; fields that later versions added are given what they mean when they are not there. */
export function storedFlag(value: unknown): Flag {
  const flag = asObject('flag', value);
  asObject('variants', asObject('definition', flag['definition'])['variants']);
  return { ...NO_FACTS, archivedAt: null, ...flag } as unknown as Flag;
}

export function storedFacts(value: unknown): FlagFacts {
  return { ...NO_FACTS, ...asObject('facts', value) };
}

export function storedSet(value: unknown): FlagSet {
  const { evaluators, metadata } = asObject('flagset', value);
  asObject('evaluators', evaluators);
  asObject('metadata', metadata);
  return value as FlagSet;
}

function splitInput(input: unknown): { definition: unknown; facts: Record<string, unknown> } {
  const { definition, ...facts } = asObject('flag', input);
  for (const field of Object.keys(facts)) if (!FIELDS.includes(field)) throw unknownField(field, FIELDS);
  return { definition, facts };
}
