/**
 * A document that a registry has sealed, opened with the key of its data directory. What is opened lies on the disk for
 * a moment, where a registry that starts would clear it away.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { existingSeal } from './seal-key.ts';
import { backupsOf, databaseIn } from '../live/data-directory.ts';
import { withPlainPath } from '../live/sealed.ts';

/** How everything begins that is sealed (frozen). */
const SEALED = new TextEncoder().encode('C13SEAL');

export function isSealedDocument(bytes: Uint8Array): boolean {
  return SEALED.every((byte, i) => bytes[i] === byte);
}

/** Errors: ERR_KEYS, ERR_BACKUP when it is not as it was sealed. */
export async function openSealedDocument(bytes: Uint8Array, dataDirectory: string): Promise<Uint8Array> {
  const seal = await existingSeal(dataDirectory);
  const directory = backupsOf(databaseIn(dataDirectory));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const beside = join(directory, 'document');
  return await withPlainPath(beside, async (sealed) => {
    writeFileSync(sealed, bytes, { mode: 0o600 });
    return await withPlainPath(beside, async (plain) => {
      await seal.openSealedFile(sealed, plain);
      return new Uint8Array(readFileSync(plain));
    });
  });
}
