/**
 * Encrypts what leaves the registry's hands but must stay its own: backups, exports, cookies. One symmetric key in the
 * key directory, from which every file and every purpose gets a key of its own. Must never hand out a byte that it has
 * not authenticated.
 *
 * A sealed file (frozen): `C13SEAL\x01`, 8 bytes key id, 16 bytes random salt, then the chunks of 1 MiB, each
 * AES-256-GCM with its 16-byte tag. Only the last chunk is shorter, and an empty file has one empty chunk. The file's
 * key is HKDF-SHA-256(seal key, salt), so that no two files share nonces; the nonce of a chunk is its number (u64)
 * and 1 in the last byte for the last one, so that chunks that were cut off, moved or repeated are found. Of the
 * header, the first half is compared and the second is part of the file's key.
 * @module
 */
import { linkSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { readKeyFile, refusedKeys, syncDirectory, writeKeyFile } from './key-files.ts';

const KEY_FILE = 'seal.key';
const KEY = /^[0-9a-f]{64}\n$/;
const KEY_BYTES = 32;
const MAGIC = new TextEncoder().encode('C13SEAL\x01');
const KEY_ID_BYTES = 8;
const SALT_AT = MAGIC.length + KEY_ID_BYTES;
const HEADER_BYTES = 32;
const CHUNK_BYTES = 1024 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

type Bytes = Uint8Array<ArrayBuffer>;
type Transform = (chunk: Bytes, number: number, isLast: boolean) => Promise<ArrayBuffer>;

/**
 * The seal key of a key directory, made at the first call. Throws ERR_KEYS for a file that is none or is not private.
 */
export async function openSeal(keyDirectory: string): Promise<Seal> {
  const path = join(keyDirectory, KEY_FILE);
  let text = readKeyFile(path);
  if (text === null) {
    writeKeyFile(path, `${crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toHex()}\n`, 'keep');
    text = readKeyFile(path);
  }
  if (text === null || !KEY.test(text)) throw refusedKeys(path, 'holds no key');
  const secret = Uint8Array.fromHex(text.trim());
  const digest = await crypto.subtle.digest('SHA-256', secret);
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey', 'deriveBits']);
  return new Seal(base, new Uint8Array(digest, 0, KEY_ID_BYTES), path);
}

/**
 * Keep a copy of `keys/seal.key` where the backups are not: without it, no sealed backup can be opened again.
 * @example
 * await seal.sealFile('backup.db', 'backup.db.sealed');
 * await seal.openSealedFile('backup.db.sealed', 'restored.db');
 */
export class Seal {
  readonly #base: CryptoKey;
  readonly #keyId: Bytes;
  readonly #path: string;
  readonly #textKeys = new Map<string, Promise<CryptoKey>>();

  constructor(base: CryptoKey, keyId: Bytes, path: string) {
    this.#base = base;
    this.#keyId = keyId;
    this.#path = path;
  }

  /**
   * Writes `to` (mode 0600), whole or not at all, in constant memory. Throws ERR_BACKUP when `from` cannot be read, or
   * `to` not be made: a file that is there is not replaced.
   */
  async sealFile(from: string, to: string): Promise<void> {
    const header = this.#newHeader();
    const key = await this.#fileKey(header);
    await copied(from, to, async (source, target) => {
      await writeAll(target, header);
      await transformed(source, target, CHUNK_BYTES, async (chunk, number, isLast) =>
        crypto.subtle.encrypt(parameters(number, isLast), key, chunk),
      );
    });
  }

  /** The same bytes that a sealed file of `bytes` would have; for what is small enough to be in memory. */
  async sealBytes(bytes: Uint8Array): Promise<Bytes> {
    const header = this.#newHeader();
    const key = await this.#fileKey(header);
    const parts: Uint8Array[] = [header];
    for (let number = 0, isLast = false; !isLast; number++) {
      const chunk = bytes.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
      isLast = (number + 1) * CHUNK_BYTES >= bytes.length;
      parts.push(new Uint8Array(await crypto.subtle.encrypt(parameters(number, isLast), key, chunk)));
    }
    return Buffer.concat(parts);
  }

  /**
   * Writes what was sealed to `to` (mode 0600), which appears only when all of it has proved to be as it was sealed.
   * Errors: ERR_KEYS when another key sealed it, ERR_BACKUP when it is no sealed file, was changed,
   * or a file cannot be read or made.
   */
  async openSealedFile(from: string, to: string): Promise<void> {
    await copied(from, to, async (source, target) => {
      const header = await this.#headerOf(source, from);
      const key = await this.#fileKey(header);
      await transformed(source, target, CHUNK_BYTES + TAG_BYTES, async (chunk, number, isLast) => {
        return await crypto.subtle.decrypt(parameters(number, isLast), key, chunk).catch((cause: unknown) => {
          throw damaged(from, cause);
        });
      });
    });
  }

  /**
   * A short text for somebody to keep who must neither read nor change it. One purpose cannot open what another
   * sealed.
   */
  async sealText(purpose: string, text: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const key = await this.#textKey(purpose);
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(text));
    return toBase64url(iv) + toBase64url(new Uint8Array(sealed));
  }

  /** null for what this key did not seal for this purpose. */
  async openText(purpose: string, sealed: string): Promise<string | null> {
    const bytes = fromBase64url(sealed);
    if (bytes === null || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
    const how = { name: 'AES-GCM', iv: bytes.subarray(0, NONCE_BYTES) };
    const key = await this.#textKey(purpose);
    try {
      return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, bytes.subarray(NONCE_BYTES)));
    } catch (error) {
      if ((error as Error).name === 'OperationError') return null;
      throw error;
    }
  }

  /** 32 bytes that this key alone gives, always the same ones: what a hash is keyed with, for one purpose. */
  async secretFor(purpose: string): Promise<Bytes> {
    const info = new TextEncoder().encode(`13byte-config secret ${purpose}`);
    const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
    return new Uint8Array(await crypto.subtle.deriveBits(how, this.#base, KEY_BYTES * 8));
  }

  #newHeader(): Bytes {
    const header = crypto.getRandomValues(new Uint8Array(HEADER_BYTES));
    header.set(MAGIC);
    header.set(this.#keyId, MAGIC.length);
    return header;
  }

  async #headerOf(source: FileHandle, path: string): Promise<Bytes> {
    const header = await readUpTo(source, HEADER_BYTES);
    if (header.length < HEADER_BYTES || !MAGIC.every((byte, index) => byte === header[index])) throw damaged(path);
    if (this.#keyId.every((byte, index) => byte === header[MAGIC.length + index])) return header;
    const id = header.subarray(MAGIC.length, SALT_AT).toHex();
    throw refusedKeys(
      this.#path,
      `is key ${this.#keyId.toHex()}, but ${path} was sealed with key ${id}`,
      'Open it with the seal.key of the registry that sealed it.',
    );
  }

  async #fileKey(header: Bytes): Promise<CryptoKey> {
    return await this.#derived('13byte-config file', header.subarray(SALT_AT));
  }

  #textKey(purpose: string): Promise<CryptoKey> {
    let key = this.#textKeys.get(purpose);
    if (key === undefined) this.#textKeys.set(purpose, (key = this.#derived(`13byte-config text ${purpose}`)));
    return key;
  }

  async #derived(label: string, salt: Bytes = new Uint8Array(0)): Promise<CryptoKey> {
    const how = { name: 'HKDF', hash: 'SHA-256', salt, info: new TextEncoder().encode(label) };
    const kind = { name: 'AES-GCM', length: 256 };
    return await crypto.subtle.deriveKey(how, this.#base, kind, false, ['encrypt', 'decrypt']);
  }
}

/** Lets `write` fill a draft, which gets its name when it is complete and on disk. */
async function copied(
  from: string,
  to: string,
  write: (source: FileHandle, target: FileHandle) => Promise<void>,
): Promise<void> {
  const draft = `${to}.draft-${crypto.randomUUID()}`;
  try {
    await using source = await open(from, 'r');
    await using target = await open(draft, 'wx', 0o600);
    await write(source, target);
    await target.sync();
    linkSync(draft, to);
    syncDirectory(dirname(to));
  } catch (error) {
    throw isConfigError(error) ? error : notCopied(from, to, error as NodeJS.ErrnoException);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A chunk is the last one when nothing follows it, so each waits for the next. */
async function transformed(source: FileHandle, target: FileHandle, size: number, transform: Transform): Promise<void> {
  let chunk = await readUpTo(source, size);
  for (let number = 0; ; number++) {
    const next = chunk.length < size ? null : await readUpTo(source, size);
    const isLast = next === null || next.length === 0;
    await writeAll(target, new Uint8Array(await transform(chunk, number, isLast)));
    if (isLast) return;
    chunk = next;
  }
}

async function readUpTo(file: FileHandle, size: number): Promise<Bytes> {
  const chunk = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(chunk, length, size - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return chunk.subarray(0, length);
}

async function writeAll(file: FileHandle, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, null)).bytesWritten;
}

function parameters(number: number, isLast: boolean): AesGcmParams {
  const iv = new Uint8Array(NONCE_BYTES);
  new DataView(iv.buffer).setBigUint64(0, BigInt(number), true);
  iv[NONCE_BYTES - 1] = isLast ? 1 : 0;
  return { name: 'AES-GCM', iv };
}

function damaged(path: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `${path} is no sealed file, or is not as it was sealed`,
    hint: 'Use another copy: nothing of this one can be trusted.',
    details: { path },
    cause,
  });
}

function notCopied(from: string, to: string, cause: NodeJS.ErrnoException): ConfigError {
  const isThere = cause.code === 'EEXIST';
  return new ConfigError('ERR_BACKUP', {
    message: isThere ? `${to} is already there` : `${from} cannot be written to ${to}: ${cause.message}`,
    hint: isThere ? 'Choose another name: no file is replaced.' : 'See that both are where this user can get at them.',
    details: { path: isThere ? to : from },
    cause,
  });
}
