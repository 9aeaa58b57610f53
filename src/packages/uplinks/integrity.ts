/**
 * What a packument says of its tarballs' bytes: the strongest hash that it has, and where they are. Pure.
 * @module
 */
import { isObject, type Document } from './document.ts';

export interface Expected {
  readonly algorithm: 'sha512' | 'sha384' | 'sha256' | 'sha1';
  /** Base64. */
  readonly digest: string;
}

const LENGTHS = { sha512: 64, sha384: 48, sha256: 32, sha1: 20 } as const;
const ALGORITHMS = ['sha512', 'sha384', 'sha256', 'sha1'] as const;
const SHASUM = /^[0-9a-f]{40}$/i;

/** Of `dist`; null: it names no hash that means anything. */
export function expectedOf(dist: Document): Expected | null {
  const { integrity, shasum } = dist;
  const named = typeof integrity === 'string' ? integrity.trim().split(/\s+/) : [];
  for (const algorithm of ALGORITHMS) {
    const digest = named
      .find((one) => one.startsWith(`${algorithm}-`))
      ?.slice(algorithm.length + 1)
      .split('?')[0];
    if (digest !== undefined && isDigest(digest, algorithm)) return { algorithm, digest };
  }
  if (typeof shasum !== 'string' || !SHASUM.test(shasum)) return null;
  return { algorithm: 'sha1', digest: Buffer.from(shasum, 'hex').toString('base64') };
}

/** As Subresource Integrity writes it. */
export function integrityText({ algorithm, digest }: Expected): string {
  return `${algorithm}-${digest}`;
}

export function distOf(manifest: Document | undefined): Document {
  const dist = manifest?.['dist'];
  return isObject(dist) ? dist : {};
}

function isDigest(digest: string, algorithm: Expected['algorithm']): boolean {
  const bytes = Buffer.from(digest, 'base64');
  return bytes.length === LENGTHS[algorithm] && bytes.toString('base64') === digest;
}
