/** What a document says of its tarball's bytes, held against what came. @module */
import { createHash } from 'node:crypto';
import { ConfigError } from '../../errors/errors.ts';
import type { Draft } from '../blobs/blobs.ts';

/** Strongest last; what is not here is no hash of Subresource Integrity, or of old clients. */
const KNOWN: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);

/** `sha512-...` of a SHA-512 in hexadecimal. */
export function integrityOf(hash: string): string {
  return `sha512-${Buffer.from(hash, 'hex').toString('base64')}`;
}

/** All hashes that are given; none is no fault. Throws ERR_INTEGRITY, naming `what` differs. */
export async function checkIntegrity(
  draft: Draft,
  { integrity, shasum }: { readonly integrity?: unknown; readonly shasum?: unknown },
  what: string,
): Promise<void> {
  if (shasum !== undefined && shasum !== null) compare(`dist.shasum of ${what}`, textOf(shasum), draft.shasum);
  if (integrity === undefined || integrity === null) return;
  const hashes = textOf(integrity)
    .split(/\s+/)
    .filter((hash) => hash !== '');
  let known = 0;
  for (const hash of hashes) {
    const algorithm = hash.slice(0, hash.indexOf('-'));
    if (!KNOWN.has(algorithm)) continue;
    known += 1;
    const expected = hash.replace(/\?.*$/, '');
    compare(`dist.integrity of ${what}`, expected, `${algorithm}-${await digest(draft, algorithm)}`);
  }
  if (known === 0) compare(`dist.integrity of ${what}`, textOf(integrity), integrityOf(draft.hash));
}

async function digest(draft: Draft, algorithm: string): Promise<string> {
  if (algorithm === 'sha512') return Buffer.from(draft.hash, 'hex').toString('base64');
  if (algorithm === 'sha1') return Buffer.from(draft.shasum, 'hex').toString('base64');
  const hasher = createHash(algorithm);
  for await (const chunk of draft.read()) hasher.update(chunk);
  return hasher.digest('base64');
}

/** What is no text fits no hash. */
function textOf(given: unknown): string {
  return typeof given === 'string' ? given : JSON.stringify(given);
}

function compare(what: string, expected: string, found: string): void {
  if (expected === found) return;
  throw new ConfigError('ERR_INTEGRITY', {
    message: `The tarball is another than was meant: ${what} is ${expected.slice(0, 200)}, and it has ${found}`,
    hint: 'Send it again; if it stays so, something on the way changes it.',
    details: { what, expected: expected.slice(0, 200), found },
  });
}
