/**
 * Packuments of uplinks, as fresh as they need to be: held in memory and on disk, asked for once however many want one,
 * answered at once while they are only a little old, and also while the uplink is down. Hides nothing; knows no filter.
 * @module
 */
import { createHash } from 'node:crypto';
import { isConfigError } from '../../errors/errors.ts';
import { Held } from '../held.ts';
import type { Tell } from './answers.ts';
import type { Asked, Asker } from './asker.ts';
import type { Cache } from './cache.ts';
import { bytesOf, parsedJson, requireJsonType, requirePackument, type Document } from './document.ts';
import { uplinkError, type Reachable } from './uplink.ts';

export const PACKUMENT_LIMIT_BYTES = 64 * 1024 * 1024;
/** Old by no more than this, a document is answered at once, and asked for behind the answer. */
export const AT_ONCE_MS = 60 * 60 * 1000;
/** Old by no more than this, it is answered when the uplink fails. */
export const WHILE_DOWN_MS = 7 * 24 * 60 * 60 * 1000;
/** Of documents held in memory, parsed. */
const MEMORY_BYTES = 64 * 1024 * 1024;
/** How many times its text a parsed document takes: small objects and short texts cost more than their letters. */
const PARSED_FACTOR = 3;
const MISSING_MAX = 100_000;
/** Of the hash by which the cache knows a document, what is shown. */
const HASH_LENGTH = 32;

export interface Found {
  /** Changes with the document. */
  readonly hash: string;
  /** Milliseconds since 1970: when the uplink last said that this is how it is. */
  readonly checkedAt: number;
  /** The document, read and parsed when it is needed; null: its bytes are damaged or gone, and are asked for anew. */
  readonly open: () => Promise<Document | null>;
}

export interface DocumentsOptions {
  readonly asker: Asker;
  readonly cache: Cache;
  readonly now: () => number;
  readonly isOffline: () => boolean;
  readonly tell: Tell;
}

export class Documents {
  readonly #options: DocumentsOptions;
  /** By key and hash. */
  readonly #held = new Held<Document>(MEMORY_BYTES);
  readonly #opening = new Map<string, Promise<Document | null>>();
  /** Until when (ms) nobody asks again. */
  readonly #missing = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<Found | null>>();

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  /**
   * null: the uplink says that there is none. `newerThan` (ms since 1970): what was said earlier is not enough.
   * Errors: ERR_UPLINK.
   */
  async find(uplink: Reachable, name: string, newerThan = 0): Promise<Found | null> {
    const { now, isOffline } = this.#options;
    const key = keyOf(uplink, name);
    const found = this.#kept(key, { uplink: uplink.name, about: name });
    const age_ms = found === null ? Infinity : now() - found.checkedAt;
    if (isOffline()) {
      if (found !== null) return found;
      throw uplinkError(uplink.name, name, 'this registry is offline, and has nothing of it');
    }
    if (found !== null && age_ms <= uplink.maxAge_s * 1000 && found.checkedAt >= newerThan) return found;
    if (found === null && now() < (this.#missing.get(key) ?? 0) && newerThan === 0) return null;
    // Whoever misses something in it may have been told too often that nothing has changed: he asks for all of it.
    const asking = this.#single(key, () => this.#ask(uplink, name, newerThan === 0 ? found : null));
    if (found === null) return await asking;
    if (age_ms <= uplink.maxAge_s * 1000 + AT_ONCE_MS && newerThan === 0) {
      asking.catch((error: unknown) => this.#tellStale(uplink, name, error));
      return found;
    }
    return await this.#orStale(uplink, name, found, asking);
  }

  /** Lets what is under way end. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
  }

  async #orStale(uplink: Reachable, name: string, found: Found, asking: Promise<Found | null>): Promise<Found | null> {
    try {
      return await asking;
    } catch (error) {
      if (!isUplinkError(error) || this.#options.now() - found.checkedAt > WHILE_DOWN_MS) throw error;
      this.#tellStale(uplink, name, error);
      return found;
    }
  }

  #tellStale({ name: uplink }: Reachable, name: string, error: unknown): void {
    const fault = error instanceof Error ? error.message : String(error);
    this.#options.tell('a package is answered as an uplink had it earlier', { uplink, package: name, fault });
  }

  /** Of all who want it at once, the first asks. */
  #single(key: string, ask: () => Promise<Found | null>): Promise<Found | null> {
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const asking = ask().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asking);
    return asking;
  }

  async #ask(uplink: Reachable, name: string, found: Found | null): Promise<Found | null> {
    const { asker, cache, now } = this.#options;
    const key = keyOf(uplink, name);
    const asked = await asker.ask({
      uplink,
      url: `${uplink.url}/${name.replace('/', '%2f')}`,
      about: name,
      accept: 'application/json',
      headers: found === null ? {} : validators(cache.find(key)),
    });
    const { status } = asked.response;
    if (status === 304 && found !== null) return await this.#same(asked, key, found);
    if (status === 404 || status === 410) return await this.#gone(asked, uplink, key);
    if (status !== 200) {
      await ended(asked);
      throw uplinkError(uplink.name, name, `it answered ${status}`);
    }
    return await this.#take(asked, uplink, name, now());
  }

  async #same(asked: Asked, key: string, found: Found): Promise<Found> {
    await ended(asked);
    const checkedAt = this.#options.now();
    this.#options.cache.check(key, checkedAt);
    return { ...found, checkedAt };
  }

  /** What was there is not served any longer: it may have been taken away for a reason. */
  async #gone(asked: Asked, uplink: Reachable, key: string): Promise<null> {
    await ended(asked);
    this.#options.cache.drop(key);
    if (this.#missing.size >= MISSING_MAX) this.#missing.clear();
    this.#missing.set(key, this.#options.now() + uplink.negativeAge_s * 1000);
    return null;
  }

  async #take(asked: Asked, uplink: Reachable, name: string, checkedAt: number): Promise<Found> {
    const source = { uplink: uplink.name, about: name };
    const { headers } = asked.response;
    const bytes = await typed(asked, source);
    const document = parsedJson(bytes, source);
    requirePackument(document, source);
    const key = keyOf(uplink, name);
    this.#missing.delete(key);
    const hash = hashOf(bytes);
    const facts = { checkedAt, etag: headers.get('etag'), lastModified: headers.get('last-modified') };
    this.#options.cache.drop(key);
    await this.#options.cache.write(key, bytes, facts);
    this.#held.set(`${key} ${hash}`, document, bytes.length * PARSED_FACTOR);
    return { hash, checkedAt, open: async () => document };
  }

  /** What the cache has of it, not looked at yet. */
  #kept(key: string, source: { uplink: string; about: string }): Found | null {
    const cached = this.#options.cache.find(key);
    if (cached === null) return null;
    const hash = cached.hash.slice(0, HASH_LENGTH);
    return { hash, checkedAt: cached.checkedAt, open: () => this.#open(key, hash, source) };
  }

  /** Parsed once for all who want it at once. */
  async #open(key: string, hash: string, source: { uplink: string; about: string }): Promise<Document | null> {
    const heldKey = `${key} ${hash}`;
    const known = this.#held.get(heldKey) ?? this.#opening.get(heldKey);
    if (known !== undefined) return await known;
    const opening = this.#parse(key, hash, source).finally(() => this.#opening.delete(heldKey));
    this.#opening.set(heldKey, opening);
    return await opening;
  }

  async #parse(key: string, hash: string, source: { uplink: string; about: string }): Promise<Document | null> {
    const bytes = await this.#options.cache.read(key);
    if (bytes === null || hashOf(bytes) !== hash) return null;
    const document = parsedJson(bytes, source);
    this.#held.set(`${key} ${hash}`, document, bytes.length * PARSED_FACTOR);
    return document;
  }
}

/** With the address: what another place said is not what this one says. */
function keyOf({ name, url }: Reachable, packageName: string): string {
  return `packument ${name} ${url} ${packageName}`;
}

async function typed(asked: Asked, source: { uplink: string; about: string }): Promise<Uint8Array> {
  try {
    requireJsonType(asked.response, source);
  } catch (error) {
    await ended(asked);
    throw error;
  }
  return await bytesOf(asked, PACKUMENT_LIMIT_BYTES, source);
}

/** Lets go of an answer whose body nobody reads. */
export async function ended({ response, silence }: Asked): Promise<void> {
  silence.end();
  await response.body?.cancel();
}

function validators(cached: { etag: string | null; lastModified: string | null } | null): Record<string, string> {
  if (cached === null) return {};
  const { etag, lastModified } = cached;
  if (etag !== null) return { 'if-none-match': etag };
  return lastModified === null ? {} : { 'if-modified-since': lastModified };
}

function isUplinkError(error: unknown): boolean {
  return isConfigError(error) && error.code === 'ERR_UPLINK';
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex').slice(0, HASH_LENGTH);
}
