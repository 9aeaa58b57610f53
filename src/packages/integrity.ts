/**
 * Subresource Integrity, as documents of packages write it: `sha512-<base64>`, several apart by spaces, and the hash
 * of old clients (`shasum`, SHA-1 in hexadecimal). Pure: what bytes have is told by who reads them.
 * @module
 */

const LENGTHS = { sha512: 64, sha384: 48, sha256: 32, sha1: 20 } as const;
const SHASUM = /^[0-9a-f]{40}$/i;

export type Algorithm = keyof typeof LENGTHS;

/** Strongest first. */
const ALGORITHMS: readonly Algorithm[] = ['sha512', 'sha384', 'sha256', 'sha1'];

/** A hash that bytes should have. */
export interface Expected {
  readonly algorithm: Algorithm;
  /** Base64, as it was said: it may be none. */
  readonly digest: string;
}

/** All that are named of the known kinds, in the order in which they are said. */
export function hashesIn(integrity: string): Expected[] {
  return integrity.split(/\s+/).flatMap((one) => {
    const algorithm = ALGORITHMS.find((known) => one.startsWith(`${known}-`));
    if (algorithm === undefined) return [];
    return [{ algorithm, digest: one.slice(algorithm.length + 1).split('?')[0]! }];
  });
}

/** The strongest that `dist` names; null: no hash that means anything. */
export function expectedOf({ integrity, shasum }: Readonly<Record<string, unknown>>): Expected | null {
  const named = typeof integrity === 'string' ? hashesIn(integrity).filter(isHash) : [];
  for (const algorithm of ALGORITHMS) {
    const found = named.find((one) => one.algorithm === algorithm);
    if (found !== undefined) return found;
  }
  if (typeof shasum !== 'string' || !SHASUM.test(shasum)) return null;
  return { algorithm: 'sha1', digest: base64Of(shasum) };
}

export function integrityText({ algorithm, digest }: Expected): string {
  return `${algorithm}-${digest}`;
}

/** `sha512-...` of a SHA-512 in hexadecimal. */
export function integrityOf(hash: string): string {
  return integrityText({ algorithm: 'sha512', digest: base64Of(hash) });
}

export function base64Of(hexadecimal: string): string {
  return Buffer.from(hexadecimal, 'hex').toString('base64');
}

function isHash({ algorithm, digest }: Expected): boolean {
  const bytes = Buffer.from(digest, 'base64');
  return bytes.length === LENGTHS[algorithm] && bytes.toString('base64') === digest;
}
