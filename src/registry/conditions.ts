/**
 * Conditional requests on a config's revision, which is its ETag: `If-Match: "41"` writes only at revision 41,
 * `If-None-Match: *` only makes what is not there, `If-None-Match: "41"` reads only what is newer.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { plainTags } from '../http/compression.ts';
import type { ConfigOperations, ConfigView } from '../live/operations.ts';

const TAG = /^"(0|[1-9][0-9]{0,15})"$/;

/** What has a revision: a config, a template, a rule, a user. */
interface Revised {
  readonly revision: number;
}

export function etagOf({ revision }: Revised): string {
  return `"${revision}"`;
}

/**
 * True when the reader has what has this tag already, in whatever encoding: 304 says so. `noneMatch` is what he sent.
 * @example isKnownToReader('W/"41", "40+gzip"', '"40"') // true
 */
export function isKnownToReader(noneMatch: string | null | undefined, etag: string): boolean {
  if (noneMatch === null || noneMatch === undefined) return false;
  // A weak tag is good enough to read by.
  return tagsOf(noneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}

/**
 * The revision a write is bound to: 0 for one that must make the thing, undefined for any; `revisionNow` is 0 for
 * what is not there. Throws ERR_PRECONDITION for a condition that cannot hold. `If-Match: *` asks for any revision of
 * what is there; of what is deleted meanwhile, the write itself says so.
 */
export async function expectedRevision(
  headers: Headers,
  revisionNow: () => Promise<number>,
): Promise<number | undefined> {
  const [match, noneMatch] = [headers.get('if-match'), headers.get('if-none-match')];
  if (noneMatch !== null && (noneMatch.trim() !== '*' || match !== null)) throw unusable('if-none-match', noneMatch);
  if (noneMatch !== null) return 0;
  if (match === null) return undefined;
  const tags = tagsOf(match);
  const revisions = tags.map((tag) => TAG.exec(tag)?.[1]).map(Number);
  if (tags.length === 1 && revisions[0]! > 0) return revisions[0];
  const current = await revisionNow();
  if (current > 0 && tags.includes('*')) return undefined;
  if (current > 0 && revisions.includes(current)) return current;
  throw unmet(match, current);
}

/** Whether a request said what it expects. */
export function isConditional(headers: Headers): boolean {
  return headers.has('if-match') || headers.has('if-none-match');
}

/** What is there, for the answer to a condition that did not hold; null when there is no such config. */
export async function findConfig(name: string, operations: ConfigOperations): Promise<ConfigView | null> {
  try {
    return await operations.get(name);
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return null;
    throw error;
  }
}

function tagsOf(header: string | null): string[] {
  return plainTags(header ?? '')
    .split(',')
    .map((tag) => tag.trim());
}

function unmet(header: string, current: number): ConfigError {
  return new ConfigError('ERR_PRECONDITION', {
    message: `If-Match is ${header.slice(0, 80)}, but ${current === 0 ? 'there is nothing' : `it is at "${current}"`}`,
    hint: /^[0-9]+$/.test(header)
      ? `Write it as the ETag has it, in quotes: "${header.slice(0, 80)}".`
      : 'Look at the current state, then try again with its ETag.',
    details: { expected: header.slice(0, 80), actual: current === 0 ? '' : `"${current}"` },
  });
}

/** For a write that knows no revisions: who says what he expects relies on it. */
export function noCondition(path: string): ConfigError {
  const shown = path.slice(0, 80);
  return new ConfigError('ERR_BAD_REQUEST', {
    message: `What ${shown} does depends on no revision, so it takes neither If-Match nor If-None-Match`,
    hint: 'Leave the header out.',
    details: { parameter: 'if-match' },
  });
}

function unusable(parameter: string, value: string): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: `A write cannot depend on ${parameter}: ${value.slice(0, 80)}`,
    hint: 'Use If-Match with one ETag, or If-None-Match: * for what must not be there yet.',
    details: { parameter },
  });
}
