/**
 * What a package filter is: which versions of what comes from uplinks are hidden, which never are, and what alone is
 * let through. What is taken from outside as one. Decides nothing.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { semver } from '../semver.ts';
import { isSingleLicence } from './licence.ts';

export const EFFECTS = ['block', 'allow', 'only'] as const;
export type Effect = (typeof EFFECTS)[number];

/** As the journal has it. It meets a version when all of what it says is so; null: it says nothing of that. */
export interface FilterDeclaration {
  /**
   * `block`: what it meets is hidden. `only`: of the packages named, what it does not meet is hidden. `allow`: what it
   * meets is never hidden, whatever the others say.
   */
  readonly effect: Effect;
  /** Of names: `*` stands for any run of characters. */
  readonly names: string;
  /** A semver range; prereleases count as what they are. */
  readonly versions: string | null;
  /** SPDX identifiers, one each, or what npm has beside them: `UNLICENSED`, `SEE LICENSE IN <file>`. */
  readonly licences: readonly string[] | null;
  /** It meets versions published less than so many seconds ago; `block` alone. */
  readonly minAge_s: number | null;
}

export interface Filter extends FilterDeclaration {
  readonly name: string;
}

const NAMES = /^[\w@./~!'()*-]{1,214}$/;
const RANGE_MAX = 500;
const LICENCES_MAX = 200;
const AGE_MAX_S = 10 * 365 * 24 * 60 * 60;
const FIELDS = ['effect', 'names', 'versions', 'licences', 'minAge_s'];

/**
 * Throws ERR_WRONG_TYPE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_FIELD.
 * @example parseFilter({ effect: 'block', names: '*', minAge_s: 86400 })
 */
export function parseFilter(input: unknown): FilterDeclaration {
  const fields = fieldsOf(input);
  const { effect, names = '*', versions = null, licences = null, minAge_s = null } = fields;
  if (!EFFECTS.includes(effect as Effect)) throw wrongType('effect', EFFECTS.join(', '), effect);
  requireSaid(fields);
  if (typeof names !== 'string' || !NAMES.test(names)) throw wrongType('names', "a pattern such as '@acme/*'", names);
  const filter: FilterDeclaration = {
    effect: effect as Effect,
    names,
    versions: parseRange(versions),
    licences: parseLicences(licences),
    minAge_s: parseAge(minAge_s),
  };
  if (filter.minAge_s !== null && effect !== 'block') throw wrongType('minAge_s', `left out of '${String(effect)}'`, 0);
  const isOfAll = filter.versions === null && filter.licences === null;
  if (effect === 'only' && isOfAll) throw wrongType('versions', "given, or licences, with 'only'", null);
  return filter;
}

function parseRange(versions: unknown): string | null {
  if (versions === null) return null;
  const isText = typeof versions === 'string' && versions.length <= RANGE_MAX;
  if (isText && semver().validRange(versions) !== null) return versions;
  throw wrongType('versions', "a range of versions such as '<2.0.0'", versions);
}

/** Whoever says nothing of what it is about has forgotten it: that all is meant must be said. */
function requireSaid({ names, versions, licences, minAge_s }: Readonly<Record<string, unknown>>): void {
  if ([names, versions, licences, minAge_s].some((said) => said !== undefined && said !== null)) return;
  throw wrongType('names', "given where nothing else is: '*' for all packages", names ?? null);
}

function parseLicences(licences: unknown): readonly string[] | null {
  if (licences === null) return null;
  const isList = Array.isArray(licences) && licences.length > 0 && licences.length <= LICENCES_MAX;
  if (isList && licences.every((one) => typeof one === 'string' && isSingleLicence(one))) return licences;
  throw wrongType('licences', "a list of single SPDX identifiers such as ['MIT', 'Apache-2.0']", licences);
}

function parseAge(minAge_s: unknown): number | null {
  if (minAge_s === null) return null;
  if (Number.isInteger(minAge_s) && (minAge_s as number) >= 1 && (minAge_s as number) <= AGE_MAX_S) {
    return minAge_s as number;
  }
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid minAge_s: must be a whole number from 1 to ${AGE_MAX_S}`,
    hint: 'Say it in seconds: a day is 86400.',
    details: { field: 'minAge_s', value: minAge_s, min: 1, max: AGE_MAX_S },
  });
}

function fieldsOf(input: unknown): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw wrongType('filter', 'an object', input);
  const stranger = Object.keys(input).find((field) => !FIELDS.includes(field));
  if (stranger === undefined) return input as Record<string, unknown>;
  throw new ConfigError('ERR_UNKNOWN_FIELD', {
    message: `A package filter has no field ${JSON.stringify(stranger.slice(0, 80))}`,
    hint: `It has: ${FIELDS.join(', ')}.`,
    details: { field: stranger.slice(0, 80), known: FIELDS },
  });
}

function wrongType(field: string, expected: string, found: unknown): ConfigError {
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid ${field}: must be ${expected}`,
    hint: `See \`c13 filters set --help\` for what a filter says.`,
    details: { field, expected, found: found === null ? 'null' : typeof found },
  });
}
