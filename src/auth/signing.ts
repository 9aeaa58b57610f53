/**
 * The keys that sign packages: ECDSA over P-256, a file each in `<data>/keys`, named `package-<hash>.json` after the
 * SHA-256 of their public half. Clients check with them that a version is the one that was published here, also years
 * later: so a key that signs no more stays in the list for ever, with the time until which its signatures count. Its
 * private half is gone then. Another process may rotate them; what is held here is at most a second old.
 * @module
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { listKeyFiles, openKeyDirectory, readKeyFile, refusedKeys, writeKeyFile } from './key-files.ts';

const KEYS_DIRECTORY = 'keys';
const FILE = /^package-([A-Za-z0-9_-]{43})\.json$/;
const FORMAT = 1;
const KIND = 'ecdsa-sha2-nistp256';
const LOOK_INTERVAL_ms = 1000;
/** What another process signs before it notices, and publishes a moment later, still counts. */
const LEEWAY_ms = 60_000;

/** As `/-/npm/v1/keys` lists it. */
export interface PackageKey {
  /** ISO 8601; what was published from then on, it has not signed. null: it signs. */
  readonly expires: string | null;
  /** `SHA256:` and the base64 of the hash of `key`. */
  readonly keyid: string;
  readonly keytype: typeof KIND;
  readonly scheme: typeof KIND;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly key: string;
}

export interface PackageSignature {
  readonly keyid: string;
  /** DER in base64. */
  readonly sig: string;
}

/** What a key's file holds. */
interface StoredKey {
  readonly format: typeof FORMAT;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string;
  /** PKCS #8, DER in base64; null: it signs no more. */
  readonly privateKey: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Until then its signatures count; null: it signs. */
  readonly expiresAt: number | null;
}

interface KnownKey {
  readonly text: string;
  readonly stored: StoredKey;
  readonly listed: PackageKey;
  readonly privateKey: KeyObject | null;
}

/**
 * The keys of a data directory; the first one is made. Throws ERR_KEYS for a directory or file that other users can
 * read, and for a file that holds no key.
 * @example
 * const keys = openPackageKeys('./.c13');
 * keys.sign('@acme/ui@1.0.0:sha512-...'); // { keyid: 'SHA256:...', sig: 'MEUC...' }
 */
export function openPackageKeys(dataDirectory: string, clock: () => number = Date.now): PackageKeys {
  const directory = join(dataDirectory, KEYS_DIRECTORY);
  openKeyDirectory(directory);
  const keys = new PackageKeys(directory, clock);
  keys.sign('');
  return keys;
}

export class PackageKeys {
  readonly #directory: string;
  readonly #clock: () => number;
  #known: ReadonlyMap<string, KnownKey> = new Map();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(directory: string, clock: () => number) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** With the newest key; made when there is none. Errors: ERR_KEYS. */
  sign(text: string): PackageSignature {
    this.#refresh();
    const { listed, privateKey } = this.#newest() ?? this.#make();
    return { keyid: listed.keyid, sig: sign('sha256', Buffer.from(text), privateKey!).toString('base64') };
  }

  /** All that ever signed here, the newest first. Errors: ERR_KEYS. */
  list(): readonly PackageKey[] {
    this.#refresh();
    return this.#sorted().map(({ listed }) => listed);
  }

  /** A new key signs from now on; those before it sign no more, and stay in the list. Answers the list. */
  rotate(): readonly PackageKey[] {
    this.#look();
    const old = [...this.#known].filter(([, { stored }]) => stored.expiresAt === null);
    this.#make();
    const expiresAt = this.#clock() + LEEWAY_ms;
    for (const [name, { stored }] of old) {
      writeKeyFile(this.#path(name), textOf({ ...stored, privateKey: null, expiresAt }), 'replace');
    }
    this.#look();
    return this.list();
  }

  #newest(): KnownKey | undefined {
    return this.#sorted().find(({ privateKey }) => privateKey !== null);
  }

  #sorted(): KnownKey[] {
    return [...this.#known.values()].toSorted(
      (a, b) => b.stored.createdAt - a.stored.createdAt || (a.listed.keyid < b.listed.keyid ? -1 : 1),
    );
  }

  #make(): KnownKey {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
    const name = nameOf(publicKey);
    const stored = { format: FORMAT, publicKey, privateKey, createdAt: this.#clock(), expiresAt: null } as const;
    writeKeyFile(this.#path(name), textOf(stored), 'keep');
    this.#look();
    return this.#newest()!;
  }

  #path(name: string): string {
    return join(this.#directory, `package-${name}.json`);
  }

  /** A clock that ran back does not stop the looking. */
  #refresh(): void {
    const since_ms = this.#clock() - this.#lookedAt;
    if (!(since_ms >= 0 && since_ms < LOOK_INTERVAL_ms)) this.#look();
  }

  #look(): void {
    const lookedAt = this.#clock();
    const found = new Map<string, KnownKey>();
    for (const file of listKeyFiles(this.#directory)) {
      const name = FILE.exec(file)?.[1];
      const text = name === undefined ? null : readKeyFile(this.#path(name));
      if (name === undefined || text === null) continue;
      const known = this.#known.get(name);
      found.set(name, known?.text === text ? known : readKey(name, text, this.#path(name)));
    }
    this.#known = found;
    this.#lookedAt = lookedAt;
  }
}

function textOf(stored: StoredKey): string {
  return `${JSON.stringify(stored, null, 2)}\n`;
}

function hashOf(publicKey: string): Buffer {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest();
}

function nameOf(publicKey: string): string {
  return hashOf(publicKey).toString('base64url');
}

/** Throws ERR_KEYS. */
function readKey(name: string, text: string, path: string): KnownKey {
  const stored = parsedKey(text, path);
  const { publicKey: key, expiresAt } = stored;
  if (nameOf(key) !== name) throw refusedKeys(path, 'does not have the name of its key');
  const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
  const keyid = `SHA256:${hashOf(key).toString('base64')}`;
  const listed = { expires, keyid, keytype: KIND, scheme: KIND, key } as const;
  return { text, stored, listed, privateKey: privateKeyOf(stored, path) };
}

/** null where it signs no more. The public half is made from the private one, which shows that they belong together. */
function privateKeyOf({ privateKey, publicKey }: StoredKey, path: string): KeyObject | null {
  if (privateKey === null) return null;
  const key = readDer(() => createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' }));
  const own = key === null ? null : createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  const isCurve = key?.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (isCurve && own === publicKey) return key;
  throw refusedKeys(path, 'holds two halves that do not belong together, or of another kind');
}

function parsedKey(text: string, path: string): StoredKey {
  const data = jsonOf(text) as Partial<StoredKey> | null;
  const { format, publicKey, privateKey, createdAt, expiresAt } = data ?? {};
  const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const isText = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z0-9+/]+=*$/.test(value);
  const isHalf = isTime(expiresAt) ? privateKey === null : expiresAt === null && isText(privateKey);
  if (format === FORMAT && isText(publicKey) && isTime(createdAt) && isHalf) {
    return { format, publicKey, privateKey: privateKey!, createdAt, expiresAt: expiresAt! };
  }
  throw refusedKeys(path, 'holds no key that this version can read');
}

function readDer(read: () => KeyObject): KeyObject | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
