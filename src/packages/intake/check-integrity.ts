/** What a document says of its tarball's bytes, held against what came. @module */
import { createHash } from 'node:crypto';
import { ConfigError } from '../../errors/errors.ts';
import type { Draft } from '../blobs/blobs.ts';
import { type Algorithm, base64Of, hashesIn, integrityOf, integrityText } from '../integrity.ts';

/** All hashes that are given; none is no fault. Throws ERR_INTEGRITY, naming `what` differs. */
export async function checkIntegrity(
  draft: Draft,
  { integrity, shasum }: { readonly integrity?: unknown; readonly shasum?: unknown },
  what: string,
): Promise<void> {
  if (shasum !== undefined && shasum !== null) compare(`dist.shasum of ${what}`, textOf(shasum), draft.shasum);
  if (integrity === undefined || integrity === null) return;
  const hashes = hashesIn(textOf(integrity));
  for (const expected of hashes) {
    const found = { ...expected, digest: await digest(draft, expected.algorithm) };
    compare(`dist.integrity of ${what}`, integrityText(expected), integrityText(found));
  }
  if (hashes.length === 0) compare(`dist.integrity of ${what}`, textOf(integrity), integrityOf(draft.hash));
}

async function digest(draft: Draft, algorithm: Algorithm): Promise<string> {
  if (algorithm === 'sha512') return base64Of(draft.hash);
  if (algorithm === 'sha1') return base64Of(draft.shasum);
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
