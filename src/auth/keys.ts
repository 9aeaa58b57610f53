/**
 * The keys that sign our tokens: Ed25519, a file each in `<data>/keys`, named by their RFC 7638 thumbprint. Another
 * process may rotate them, so the directory is the truth and what is held here is at most a second old. A key never
 * leaves this file but as the `CryptoKey` that signs or verifies; only public halves are handed out as data.
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { listKeyFiles, openKeyDirectory, readKeyFile, refusedKeys, writeKeyFile } from './key-files.ts';
import { openSeal, type Seal } from './seal.ts';

const KEYS_DIRECTORY = 'keys';
const FILE = /^([A-Za-z0-9_-]{43})\.json$/;
const FORMAT = 1;
const MEMBER = /^[A-Za-z0-9_-]{43}$/;
/** No token lives longer (`src/auth/jwt.ts`). */
export const LIFETIME_MAX_ms = 12 * 60 * 60 * 1000;
/** For tokens signed in the second before another process noticed, and for clocks that differ. */
const LEEWAY_ms = 60_000;
const LOOK_INTERVAL_ms = 1000;

export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

/** What a key's file holds. */
interface StoredKey {
  readonly format: typeof FORMAT;
  readonly jwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string };
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** From then on it signs nothing; null: it signs. */
  readonly retiredAt: number | null;
}

interface SigningKey {
  readonly kid: string;
  readonly text: string;
  readonly stored: StoredKey;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/**
 * The keys of a data directory; the first ones are made. Throws ERR_KEYS for a directory or file that other users can
 * read, and for a file that holds no key.
 * @example
 * const keys = await openKeys('./.c13');
 * await keys.rotate();
 */
export async function openKeys(dataDirectory: string, clock: () => number = Date.now): Promise<Keys> {
  const directory = join(dataDirectory, KEYS_DIRECTORY);
  openKeyDirectory(directory);
  const keys = new Keys(directory, clock, await openSeal(directory));
  await keys.signingKey();
  return keys;
}

export class Keys {
  readonly seal: Seal;
  readonly #directory: string;
  readonly #clock: () => number;
  #known: ReadonlyMap<string, SigningKey> = new Map();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;

  constructor(directory: string, clock: () => number, seal: Seal) {
    this.#directory = directory;
    this.#clock = clock;
    this.seal = seal;
  }

  /** The newest one that is not retired; made when there is none. */
  async signingKey(): Promise<{ kid: string; privateKey: CryptoKey }> {
    await this.#refresh();
    return this.#newest() ?? (await this.#make());
  }

  /** What verifies the signatures of key `kid`; null when no such key is known, or is no longer. */
  async find(kid: string): Promise<CryptoKey | null> {
    await this.#refresh();
    const key = this.#known.get(kid);
    return key === undefined || this.#isOver(key.stored) ? null : key.publicKey;
  }

  /** What `/.well-known/jwks.json` answers: the public halves of all that still verifies, the newest first. */
  async jwks(): Promise<{ keys: readonly PublicJwk[] }> {
    await this.#refresh();
    const keys = [...this.#known.values()].filter(({ stored }) => !this.#isOver(stored));
    keys.sort(newestFirst);
    return {
      keys: keys.map(({ kid, stored: { jwk } }) => {
        return { kty: 'OKP', crv: 'Ed25519', x: jwk.x, kid, alg: 'EdDSA', use: 'sig' };
      }),
    };
  }

  /**
   * Makes a new key, which signs from now on, and retires the others: they verify until every token that they signed
   * has expired (12 hours and a minute), then their files are removed. Answers the id of the new one. Other processes
   * of this host notice within a second, so it may sign at once. Where others keep a copy of the JWKS (several hosts,
   * other services), they look again when they meet a key id that they do not know; one that cannot do so has to be
   * given the new JWKS first.
   *
   * A key that leaked is no case for this: remove its file, and restart the registry.
   */
  async rotate(): Promise<string> {
    await this.#look();
    const old = [...this.#known.values()].filter(({ stored }) => stored.retiredAt === null);
    const { kid } = await this.#make();
    const retiredAt = this.#clock();
    for (const key of old) writeKeyFile(this.#path(key.kid), textOf({ ...key.stored, retiredAt }), 'replace');
    await this.#look();
    return kid;
  }

  #newest(): SigningKey | undefined {
    return [...this.#known.values()].filter(({ stored }) => stored.retiredAt === null).toSorted(newestFirst)[0];
  }

  async #make(): Promise<SigningKey> {
    const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
    const { x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: x!, d: d! } as const;
    const kid = await calculateJwkThumbprint(jwk);
    const text = textOf({ format: FORMAT, jwk, createdAt: this.#clock(), retiredAt: null });
    writeKeyFile(this.#path(kid), text, 'keep');
    await this.#look();
    return await importedKey(kid, text, this.#path(kid));
  }

  #path(kid: string): string {
    return join(this.#directory, `${kid}.json`);
  }

  /** Whoever asks while somebody looks waits for what he finds; a clock that ran back does not stop the looking. */
  async #refresh(): Promise<void> {
    const since_ms = this.#clock() - this.#lookedAt;
    if (this.#looking === null && since_ms >= 0 && since_ms < LOOK_INTERVAL_ms) return;
    await (this.#looking ?? this.#look());
  }

  /** Begins now, and not while another look could still end later with less. */
  async #look(): Promise<void> {
    while (this.#looking !== null) await Promise.allSettled([this.#looking]);
    this.#looking = this.#read();
    try {
      await this.#looking;
    } finally {
      this.#looking = null;
    }
  }

  async #read(): Promise<void> {
    const lookedAt = this.#clock();
    const found = new Map<string, SigningKey>();
    for (const name of listKeyFiles(this.#directory)) {
      const kid = FILE.exec(name)?.[1];
      const key = kid === undefined ? null : await this.#readKey(kid);
      if (key === null) continue;
      if (this.#isOver(key.stored)) rmSync(this.#path(key.kid), { force: true });
      else found.set(key.kid, key);
    }
    this.#known = found;
    this.#lookedAt = lookedAt;
  }

  /** null for a file that somebody has just removed. One that did not change is not parsed again. */
  async #readKey(kid: string): Promise<SigningKey | null> {
    const text = readKeyFile(this.#path(kid));
    if (text === null) return null;
    const known = this.#known.get(kid);
    return known?.text === text ? known : await importedKey(kid, text, this.#path(kid));
  }

  #isOver({ retiredAt }: StoredKey): boolean {
    return retiredAt !== null && this.#clock() >= retiredAt + LIFETIME_MAX_ms + LEEWAY_ms;
  }
}

function textOf(stored: StoredKey): string {
  return `${JSON.stringify(stored, null, 2)}\n`;
}

function newestFirst(a: SigningKey, b: SigningKey): number {
  return b.stored.createdAt - a.stored.createdAt || (a.kid < b.kid ? -1 : 1);
}

/** The halves are imported apart, and nobody compares them for us: a signature shows that they belong together. */
async function importedKey(kid: string, text: string, path: string): Promise<SigningKey> {
  const stored = parsedKey(text, path);
  if ((await calculateJwkThumbprint(stored.jwk)) !== kid) throw refusedKeys(path, 'does not have the name of its key');
  const { d: _, ...publicJwk } = stored.jwk;
  const privateKey = await crypto.subtle.importKey('jwk', stored.jwk, 'Ed25519', false, ['sign']);
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, 'Ed25519', false, ['verify']);
  const sample = new TextEncoder().encode(kid);
  const signature = await crypto.subtle.sign('Ed25519', privateKey, sample);
  if (await crypto.subtle.verify('Ed25519', publicKey, signature, sample)) {
    return { kid, text, stored, privateKey, publicKey };
  }
  throw refusedKeys(path, 'holds two halves that do not belong together');
}

function parsedKey(text: string, path: string): StoredKey {
  const data = jsonOf(text) as Partial<StoredKey> | null;
  const { format, jwk, createdAt, retiredAt } = data ?? {};
  const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const isMember = (value: unknown): boolean => typeof value === 'string' && MEMBER.test(value);
  const isKey = jwk?.kty === 'OKP' && jwk.crv === 'Ed25519' && isMember(jwk.x) && isMember(jwk.d);
  if (format === FORMAT && isKey && isTime(createdAt) && (retiredAt === null || isTime(retiredAt))) {
    return { format, jwk: { kty: 'OKP', crv: 'Ed25519', x: jwk.x, d: jwk.d }, createdAt, retiredAt };
  }
  throw refusedKeys(path, 'holds no key that this version can read');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
