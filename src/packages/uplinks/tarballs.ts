/**
 * Tarballs of uplinks: from the cache, or fetched once for all who want one at a time. What was not what the packument
 * promised is kept nowhere. Decides nothing about who may have it.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import type { Passing, Tell, UplinkTarball } from './answers.ts';
import type { Asked, Asker } from './asker.ts';
import type { Cache } from './cache.ts';
import type { Document } from './document.ts';
import { ended } from './documents.ts';
import { Download } from './download.ts';
import { expectedOf, integrityText, type Expected } from '../integrity.ts';
import { Places } from './places.ts';
import { Silence, STOPPING } from './silence.ts';
import { uplinkError, type Reachable } from './uplink.ts';

/** So many at once: each has a connection, a file, and bytes on the disk that nobody has verified. */
export const DOWNLOADS_MAX = 64;

export interface TarballsOptions {
  readonly asker: Asker;
  readonly cache: Cache;
  readonly now: () => number;
  readonly isOffline: () => boolean;
  readonly limit_bytes: number;
  readonly tell: Tell;
  readonly wait: Passing['wait'];
  /** Aborted when the registry stops. */
  readonly closing: AbortSignal;
}

/** Which tarball, and what its packument says of it. */
export interface Wanted {
  readonly uplink: Reachable;
  readonly name: string;
  readonly version: string;
  readonly dist: Document;
}

export class Tarballs {
  readonly #options: TarballsOptions;
  /** By key. A promise that resolves to null: it is not there. */
  readonly #starting = new Map<string, Promise<Download | null>>();
  /** Until each is over, which never fails. */
  readonly #running = new Map<Download, Promise<void>>();
  readonly #places = new Places(DOWNLOADS_MAX);

  constructor(options: TarballsOptions) {
    this.#options = options;
  }

  /** null: the uplink has none. Errors: ERR_UPLINK, ERR_BUSY, those of the file system. */
  async find(wanted: Wanted): Promise<UplinkTarball | null> {
    const { cache, isOffline } = this.#options;
    const { uplink, name, version } = wanted;
    const about = `${name}@${version}`;
    const expected = expectedOf(wanted.dist);
    if (expected === null) throw uplinkError(uplink.name, about, 'its document names no hash of the tarball');
    const key = keyOf(expected);
    const integrity = expected.algorithm === 'sha1' ? null : integrityText(expected);
    const kept = await cache.file(key);
    if (kept !== null) return { body: kept, size_bytes: kept.size, integrity };
    if (isOffline()) throw uplinkError(uplink.name, about, 'this registry is offline, and has not kept it');
    const download = await this.#single(key, () => this.#start(wanted, about, expected, key));
    if (download === null) return null;
    if (!download.isReadable) await download.whole();
    const body = download.body();
    if (body !== null) return { body, size_bytes: download.size_bytes, integrity };
    await this.#running.get(download);
    return await this.find(wanted);
  }

  /** Lets what is under way end. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#starting.values(), ...this.#running.values()]);
  }

  #single(key: string, start: () => Promise<Download | null>): Promise<Download | null> {
    const starting = this.#starting.get(key);
    if (starting !== undefined) return starting;
    const started = start();
    this.#starting.set(key, started);
    const forget = (download: Download | null): void => {
      if (download === null) this.#starting.delete(key);
    };
    started.then(forget, () => this.#starting.delete(key));
    return started;
  }

  async #start(wanted: Wanted, about: string, expected: Expected, key: string): Promise<Download | null> {
    await this.#takePlace(wanted.uplink, about);
    let running: Promise<void> | null = null;
    try {
      const asked = await this.#ask(wanted, about);
      if (asked === null) return null;
      const { limit_bytes, cache } = this.#options;
      const draft = await cache.draft();
      const download = new Download({ asked, draft, expected, limit_bytes, uplink: wanted.uplink.name, about });
      running = this.#run(download, draft, key, wanted);
      this.#running.set(download, running);
      void running.finally(() => this.#running.delete(download));
      return download;
    } finally {
      if (running === null) this.#places.release();
      else void running.finally(() => this.#places.release());
    }
  }

  /** Errors: ERR_BUSY after the time in which the uplink itself would have to answer, ERR_UPLINK. */
  async #takePlace({ name, timeout_ms }: Reachable, about: string): Promise<void> {
    const { wait, closing } = this.#options;
    const patience = new Silence(timeout_ms, wait, closing);
    try {
      if (await this.#places.take(patience.signal)) return;
    } finally {
      patience.end();
    }
    throw closing.aborted ? uplinkError(name, about, STOPPING) : tooMany(about);
  }

  /** null: the uplink has none. */
  async #ask({ uplink, dist }: Wanted, about: string): Promise<Asked | null> {
    const url = tarballUrl(uplink, about, dist['tarball']);
    const headers = { 'accept-encoding': 'identity' };
    const asked = await this.#options.asker.ask({ uplink, url, about, accept: '*/*', headers, isPatient: true });
    const { status } = asked.response;
    if (status === 200) return asked;
    await ended(asked);
    if (status === 404 || status === 410) return null;
    throw uplinkError(uplink.name, about, `it answered ${status}`);
  }

  /** Those who read it are told of a fault by the stream; whoever runs the registry, here. */
  async #run(download: Download, draft: Awaited<ReturnType<Cache['draft']>>, key: string, of: Wanted): Promise<void> {
    const { now, tell } = this.#options;
    try {
      await download.run((hash) => draft.keep(key, { hash, checkedAt: now(), etag: null, lastModified: null }));
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      tell('a tarball was not kept', { uplink: of.uplink.name, package: `${of.name}@${of.version}`, fault });
    } finally {
      this.#starting.delete(key);
      await draft[Symbol.asyncDispose]();
    }
  }
}

/** By its bytes: whoever has it, it is the same. */
function keyOf(expected: Expected): string {
  return `tarball ${integrityText(expected)}`;
}

function tooMany(about: string): ConfigError<'ERR_BUSY'> {
  return new ConfigError('ERR_BUSY', {
    message: `${DOWNLOADS_MAX} tarballs are on their way from other registries, and ${about} had to wait too long`,
    hint: 'Try again in a moment.',
    details: { limit: DOWNLOADS_MAX },
  });
}

/** Throws ERR_UPLINK. */
function tarballUrl({ name, url }: Reachable, about: string, text: unknown): string {
  const to = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  if (to === null || !/^https?:$/.test(to.protocol) || to.username !== '' || to.password !== '') {
    throw uplinkError(name, about, 'its document says no address of the tarball');
  }
  if (new URL(url).protocol === 'https:' && to.protocol === 'http:') {
    throw uplinkError(name, about, 'its document leads from https to http');
  }
  return to.href;
}
