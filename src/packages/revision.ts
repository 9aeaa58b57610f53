/**
 * `_rev`, as clients of CouchDB's descendants read it and give it back: `<revision>-<hash>`. The number is the revision
 * of the package's stream; the hash keeps one package's from being given for another. Holds no secret.
 * @module
 */
import { createHash } from 'node:crypto';

const HASH_DIGITS = 16;

/** @example revisionText('@acme/ui', 7) // '7-9c1f...' */
export function revisionText(name: string, revision: number): string {
  const hash = createHash('sha256').update(`${name}\n${revision}`).digest('hex').slice(0, HASH_DIGITS);
  return `${revision}-${hash}`;
}

/** The revision that a text speaks of; null for what is no revision of this package. */
export function parseRevisionText(name: string, text: string): number | null {
  const revision = Number(/^([1-9]\d{0,15})-/.exec(text)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(revision) && revisionText(name, revision) === text ? revision : null;
}
