/**
 * Packages of other registries, as if they were here: found, filtered, kept for the next who asks. Names that are ours
 * are never spoken of outside. Renders nothing, and asks nobody whether he may.
 * @module
 */
import { createHash } from 'node:crypto';
import { isConfigError } from '../../errors/errors.ts';
import { blockedError, filtered, filtersFor, hiddenBy, publishedAtOf, without } from '../filters/decide.ts';
import type { Filter } from '../filters/filter.ts';
import type { Passing, Send, Tell, UplinkPackument, UplinkTarball } from './answers.ts';
import { Asker } from './asker.ts';
import { Cache } from './cache.ts';
import { versionsOf, type Document } from './document.ts';
import { Documents, ended, type Found } from './documents.ts';
import { distOf } from './integrity.ts';
import { Questions, type AuditPath, type SigningKey } from './questions.ts';
import { Tarballs } from './tarballs.ts';
import { uplinksFor, type Reachable, type Uplink } from './uplink.ts';

/** Whoever wants a version that is not in the document gets a document no older than this. */
const MISSED_MS = 5000;

export interface UplinksOptions extends Passing {
  /** Of the cache; made when missing. */
  readonly directory: string;
  readonly cacheLimit_bytes: number;
  readonly tarballLimit_bytes: number;
  /** In the order in which they are asked. */
  readonly uplinks: () => Promise<readonly Uplink[]>;
  readonly filters: () => Promise<readonly Filter[]>;
  /** Whether a name is of what is published here. */
  readonly isOwned: (name: string) => Promise<boolean>;
  readonly isOffline: () => boolean;
  readonly send: Send;
  readonly tell: Tell;
}

export interface UplinkTest {
  readonly isReached: boolean;
  readonly status: number | null;
  /** What went wrong; null: nothing. */
  readonly fault: string | null;
  readonly duration_ms: number;
}

/** What was decided about a document, until something of it changes. */
interface Decided {
  readonly filters: readonly Filter[];
  readonly until: number;
  readonly packument: UplinkPackument;
}

export class Uplinks implements AsyncDisposable {
  readonly #options: UplinksOptions;
  readonly #cache: Cache;
  readonly #asker: Asker;
  readonly #documents: Documents;
  readonly #tarballs: Tarballs;
  readonly #questions: Questions;
  readonly #decided = new WeakMap<Document, Decided>();

  /** Errors: those of `Cache`. */
  constructor(options: UplinksOptions) {
    this.#options = options;
    const { now, isOffline, tell, tarballLimit_bytes: limit_bytes } = options;
    this.#cache = new Cache({ directory: options.directory, limit_bytes: options.cacheLimit_bytes, now });
    const asker = new Asker(options);
    this.#asker = asker;
    this.#documents = new Documents({ asker, cache: this.#cache, now, isOffline, tell });
    this.#tarballs = new Tarballs({ asker, cache: this.#cache, now, isOffline, tell, limit_bytes });
    this.#questions = new Questions({ ...options, asker });
  }

  /**
   * null: nobody has it, or it is none of theirs. The first uplink that has it is the one; whoever fails is not passed
   * over, for what the next one calls so may be something else. Errors: ERR_UPLINK, those of the journal.
   */
  async packument(name: string): Promise<UplinkPackument | null> {
    const source = await this.#source(name);
    return source === null ? null : this.#decide(source.uplink, name, source.found, await this.#options.filters());
  }

  /** null: there is no such version. Errors: ERR_UPLINK, ERR_PACKAGE_BLOCKED, those of the file system. */
  async tarball(name: string, version: string): Promise<UplinkTarball | null> {
    const wanted = await this.#version(name, version);
    if (wanted === null) return null;
    if (wanted.filter !== null) throw blockedError(name, version, wanted.filter);
    return await this.#tarballs.find({ uplink: wanted.uplink, name, version, dist: distOf(wanted.manifest) });
  }

  /** Which filter hides a version; null: none, or there is no such version. Errors: ERR_UPLINK. */
  async blockedBy(name: string, version: string): Promise<string | null> {
    return (await this.#version(name, version))?.filter ?? null;
  }

  /** As `/-/v1/search` lists them, without what is ours. */
  async search(text: string, size: number): Promise<readonly Document[]> {
    return this.#options.isOffline() ? [] : await this.#questions.search(text, size);
  }

  /**
   * The answer to a client that audits: nothing, where nobody can be asked. Names of ours are cut out before anybody
   * is. Errors: ERR_BAD_REQUEST, ERR_UPLINK.
   */
  async audit(path: AuditPath, body: unknown): Promise<Document> {
    return await this.#questions.audit(path, body, this.#options.isOffline());
  }

  /** Signing keys of all uplinks, as `/-/npm/v1/keys` lists them. */
  async keys(): Promise<readonly SigningKey[]> {
    return this.#options.isOffline() ? [] : await this.#questions.keys();
  }

  /** Asks an uplink for something that any of them answers, once. A fault is part of the answer. */
  async test(uplink: Reachable): Promise<UplinkTest> {
    const { now } = this.#options;
    const started = now();
    const url = `${uplink.url}/-/ping`;
    try {
      const asked = await this.#asker.ask({ uplink, url, about: '', accept: 'application/json', retries: 0 });
      await ended(asked);
      return { isReached: true, status: asked.response.status, fault: null, duration_ms: now() - started };
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_UPLINK') throw error;
      return { isReached: false, status: null, fault: error.details.fault, duration_ms: now() - started };
    }
  }

  /** Seconds until an uplink that failed too often is asked again; 0: it is. */
  rest_s(uplink: Pick<Reachable, 'name' | 'url'>): number {
    return this.#asker.rest_s(uplink);
  }

  get cache_bytes(): number {
    return this.#cache.size_bytes;
  }

  /** Waits for what is under way, then lets go of the cache. */
  async close(): Promise<void> {
    await this.#documents.settled();
    await this.#tarballs.settled();
    this.#cache.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Also of one that a filter hides. What is missing may have come just now: it is asked for anew. */
  async #version(
    name: string,
    version: string,
  ): Promise<{ uplink: Reachable; manifest: Document; filter: string | null } | null> {
    const now = this.#options.now();
    let source = await this.#source(name);
    if (source !== null && !Object.hasOwn(versionsOf(source.found.document), version)) {
      source = await this.#source(name, now - MISSED_MS);
    }
    if (source === null) return null;
    const { uplink, found } = source;
    const versions = versionsOf(found.document);
    const manifest = Object.hasOwn(versions, version) ? versions[version] : undefined;
    if (manifest === undefined) return null;
    const publishedAt = publishedAtOf(found.document, version);
    const filters = filtersFor(await this.#options.filters(), name);
    return { uplink, manifest, filter: hiddenBy(filters, { version, manifest, publishedAt }, now) };
  }

  async #source(name: string, newerThan = 0): Promise<{ uplink: Reachable; found: Found } | null> {
    if (await this.#options.isOwned(name)) return null;
    for (const uplink of uplinksFor(await this.#options.uplinks(), name)) {
      const found = await this.#documents.find(uplink, name, newerThan);
      if (found !== null) return { uplink, found };
    }
    return null;
  }

  #decide({ name: uplink }: Reachable, name: string, found: Found, all: readonly Filter[]): UplinkPackument {
    const now = this.#options.now();
    const known = this.#decided.get(found.document);
    if (known !== undefined && known.filters === all && now < known.until) return known.packument;
    const { hidden, until } = filtered(filtersFor(all, name), found.document, now);
    const document = without(found.document, hidden);
    const etag = hidden.size === 0 ? found.hash : `${found.hash}-${hashOf([...hidden.keys()].join('\n'))}`;
    const packument: UplinkPackument = { uplink, document, etag };
    this.#decided.set(found.document, { filters: all, until, packument });
    return packument;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
