/**
 * Sealed backups: encrypted by somebody who has the key; who that is, is not known here. Plain bytes lie on the disk
 * only while they are needed, under names that a start clears away at once.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { ConfigError } from '../errors/errors.ts';

/** Encrypts and decrypts files; both write the second path whole or not at all. */
export interface Sealer {
  sealFile(from: string, to: string): Promise<void>;
  /** Errors: ERR_KEYS when another key sealed it, ERR_BACKUP when it is not as it was sealed. */
  openSealedFile(from: string, to: string): Promise<void>;
}

/** What follows the name of the backup that is in it. */
const SEALED_SUFFIX = '.sealed';
const PLAIN_SUFFIX = '.unsealed-';
const PLAIN_NAME = /\.unsealed-[0-9a-f-]+(?:\.draft-[0-9a-f-]+)?(?:-journal|-wal|-shm)?$/;

export function sealedPath(backup: string): string {
  return backup + SEALED_SUFFIX;
}

export function isSealed(path: string): boolean {
  return path.endsWith(SEALED_SUFFIX);
}

/** Whether a file holds in plain what is kept sealed: it belongs to somebody who was killed, or is at work. */
export function isPlainLeftover(name: string): boolean {
  return PLAIN_NAME.test(name);
}

/** Lets `use` have a path for plain bytes; whatever lies there afterwards is removed. */
export async function withPlainPath<R>(beside: string, use: (plain: string) => Promise<R>): Promise<R> {
  const plain = `${beside}${PLAIN_SUFFIX}${randomUUID()}`;
  try {
    return await use(plain);
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(plain + suffix, { force: true });
  }
}

/**
 * Lets `use` read a backup, opened first if it is sealed. Errors: ERR_BACKUP where nobody can open it, those of
 * `openSealedFile`.
 */
export async function withOpened<R>(
  path: string,
  sealer: Sealer | undefined,
  use: (plain: string) => Promise<R>,
): Promise<R> {
  if (!isSealed(path)) return await use(path);
  if (sealer === undefined) throw sealedBackup(path);
  return await withPlainPath(path, async (plain) => {
    await sealer.openSealedFile(path, plain);
    return await use(plain);
  });
}

export function sealedBackup(path: string): ConfigError<'ERR_BACKUP'> {
  return new ConfigError('ERR_BACKUP', {
    message: `The backup ${path} is sealed, and there is no key here to open it`,
    hint: 'It opens with the seal.key of the data directory whose registry made it: restore through that registry.',
    details: { path },
  });
}
