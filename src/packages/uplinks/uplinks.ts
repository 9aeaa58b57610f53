/**
 * Packages of other registries, as if they were here: found, filtered, kept for the next who asks. Names that are ours
 * are never spoken of outside. Renders nothing, and asks nobody whether he may.
 * @module
 */
import { createHash } from 'node:crypto';
import { isConfigError } from '../../errors/errors.ts';
import { blockedError, filtered, filtersFor, hiddenBy, publishedAtOf, without } from '../filters/decide.ts';
import type { Filter } from '../filters/filter.ts';
import { Held } from '../held.ts';
import type { Passing, Send, Tell, UplinkLook, UplinkPackument, UplinkTarball } from './answers.ts';
import { Asker } from './asker.ts';
import { Cache } from './cache.ts';
import { distOf, versionsOf, type Document } from './document.ts';
import { Documents, ended, type Found } from './documents.ts';
import { Questions, type AuditPath, type SigningKey } from './questions.ts';
import { Tarballs } from './tarballs.ts';
import { uplinkError, uplinksFor, type Reachable, type Uplink } from './uplink.ts';

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
  /** Of these names, those that are of what is published here. */
  readonly ownedAmong: (names: readonly string[]) => Promise<ReadonlySet<string>>;
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

/** Where a package is. */
interface Place {
  readonly uplink: Reachable;
  readonly found: Found;
}

/** What was decided about a document, until something of it changes. */
interface Decided {
  readonly hash: string;
  readonly filters: readonly Filter[];
  readonly until: number;
  readonly hidden: ReadonlyMap<string, string>;
  readonly etag: string;
}

const DECIDED_BYTES = 4 * 1024 * 1024;
/** What a decision takes, and each version that it hides, about. */
const DECISION_BYTES = 512;
const HIDDEN_BYTES = 100;

export class Uplinks implements AsyncDisposable {
  readonly #options: UplinksOptions;
  readonly #cache: Cache;
  readonly #asker: Asker;
  readonly #documents: Documents;
  readonly #tarballs: Tarballs;
  readonly #questions: Questions;
  readonly #closing = new AbortController();
  /** By uplink and name. */
  readonly #decided = new Held<Decided>(DECIDED_BYTES);
  /** By what they were before the filters. */
  readonly #packuments = new WeakMap<Document, UplinkPackument>();

  /** Errors: those of `Cache`. */
  constructor(options: UplinksOptions) {
    this.#options = options;
    const { now, wait, isOffline, tell, tarballLimit_bytes: limit_bytes } = options;
    this.#cache = new Cache({ directory: options.directory, limit_bytes: options.cacheLimit_bytes, now });
    const { signal: closing } = this.#closing;
    const asker = new Asker({ ...options, closing });
    this.#asker = asker;
    this.#documents = new Documents({ asker, cache: this.#cache, now, isOffline, tell });
    this.#tarballs = new Tarballs({ asker, cache: this.#cache, now, wait, isOffline, tell, limit_bytes, closing });
    this.#questions = new Questions({ ...options, asker });
  }

  /** null and errors: as those of `look`. */
  async packument(name: string): Promise<UplinkPackument | null> {
    const look = await this.look(name);
    return look === null ? null : await look.read();
  }

  /**
   * null: nobody has it, or it is none of theirs. The first uplink that has it is the one; whoever fails is not passed
   * over, for what the next one calls so may be something else. Errors: ERR_UPLINK, those of the journal.
   */
  async look(name: string): Promise<UplinkLook | null> {
    const place = await this.#find(name);
    if (place === null) return null;
    const known = this.#known(place, name, await this.#options.filters());
    return { uplink: place.uplink.name, etag: known?.etag ?? null, read: () => this.#read(name, place) };
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

  /** Ends what is under way, then lets go of the cache. */
  async close(): Promise<void> {
    this.#closing.abort();
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
    let place = await this.#find(name);
    let source = place === null ? null : await this.#opened(name, place);
    if (source !== null && !Object.hasOwn(versionsOf(source.document), version)) {
      place = await this.#find(name, now - MISSED_MS);
      source = place === null ? null : await this.#opened(name, place);
    }
    if (source === null) return null;
    const { uplink, document } = source;
    const versions = versionsOf(document);
    const manifest = Object.hasOwn(versions, version) ? versions[version] : undefined;
    if (manifest === undefined) return null;
    const publishedAt = publishedAtOf(document, version);
    const filters = filtersFor(await this.#options.filters(), name);
    return { uplink, manifest, filter: hiddenBy(filters, { version, manifest, publishedAt }, now) };
  }

  async #read(name: string, place: Place): Promise<UplinkPackument | null> {
    const source = await this.#opened(name, place);
    if (source === null) return null;
    const { uplink, document } = source;
    const { hidden, etag } = this.#decide(source, name, await this.#options.filters());
    const known = this.#packuments.get(document);
    if (known?.etag === etag) return known;
    const isAllHidden = hidden.size === Object.keys(versionsOf(document)).length;
    const packument: UplinkPackument = {
      uplink: uplink.name,
      document: without(document, hidden),
      etag,
      hiddenBy: isAllHidden ? [...new Set(hidden.values())] : [],
    };
    this.#packuments.set(document, packument);
    return packument;
  }

  /** With its document: what turns out to be damaged is asked for anew, once. */
  async #opened(name: string, place: Place): Promise<(Place & { readonly document: Document }) | null> {
    const document = await place.found.open();
    if (document !== null) return { ...place, document };
    const again = await this.#find(name);
    if (again === null) return null;
    const fresh = await again.found.open();
    if (fresh !== null) return { ...again, document: fresh };
    throw uplinkError(again.uplink.name, name, 'what was kept of it is damaged');
  }

  async #find(name: string, newerThan = 0): Promise<Place | null> {
    if ((await this.#options.ownedAmong([name])).size > 0) return null;
    for (const uplink of uplinksFor(await this.#options.uplinks(), name)) {
      const found = await this.#documents.find(uplink, name, newerThan);
      if (found !== null) return { uplink, found };
    }
    return null;
  }

  #decide(source: Place & { readonly document: Document }, name: string, all: readonly Filter[]): Decided {
    const known = this.#known(source, name, all);
    if (known !== null) return known;
    const { uplink, found, document } = source;
    const { hidden, until } = filtered(filtersFor(all, name), document, this.#options.now());
    const { hash } = found;
    const etag = hidden.size === 0 ? hash : `${hash}-${hashOf([...hidden.keys()].join('\n'))}`;
    const decided: Decided = { hash, filters: all, until, hidden, etag };
    this.#decided.set(decidedKey(uplink, name), decided, DECISION_BYTES + hidden.size * HIDDEN_BYTES);
    return decided;
  }

  /** null: it is not decided yet, or not any more. */
  #known({ uplink, found }: Place, name: string, all: readonly Filter[]): Decided | null {
    const known = this.#decided.get(decidedKey(uplink, name));
    if (known === undefined || known.hash !== found.hash || known.filters !== all) return null;
    return this.#options.now() < known.until ? known : null;
  }
}

function decidedKey({ name, url }: Reachable, packageName: string): string {
  return `${name} ${url} ${packageName}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
