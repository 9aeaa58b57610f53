/**
 * Tarballs of uplinks: from the cache, or fetched once for all who want one at a time. What was not what the packument
 * promised is kept nowhere. Decides nothing about who may have it.
 * @module
 */
import type { Tell, UplinkTarball } from './answers.ts';
import type { Asker } from './asker.ts';
import type { Cache } from './cache.ts';
import type { Document } from './document.ts';
import { ended } from './documents.ts';
import { Download } from './download.ts';
import { expectedOf, integrityText, type Expected } from './integrity.ts';
import { uplinkError, type Reachable } from './uplink.ts';

export interface TarballsOptions {
  readonly asker: Asker;
  readonly cache: Cache;
  readonly now: () => number;
  readonly isOffline: () => boolean;
  readonly limit_bytes: number;
  readonly tell: Tell;
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

  constructor(options: TarballsOptions) {
    this.#options = options;
  }

  /** null: the uplink has none. Errors: ERR_UPLINK, those of the file system. */
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
    const { asker, cache, limit_bytes } = this.#options;
    const { uplink, dist } = wanted;
    const url = tarballUrl(uplink, about, dist['tarball']);
    const headers = { 'accept-encoding': 'identity' };
    const asked = await asker.ask({ uplink, url, about, accept: '*/*', headers });
    const { status } = asked.response;
    if (status !== 200) await ended(asked);
    if (status === 404 || status === 410) return null;
    if (status !== 200) throw uplinkError(uplink.name, about, `it answered ${status}`);
    const draft = await cache.draft();
    const download = new Download({ asked, draft, expected, limit_bytes, uplink: uplink.name, about });
    const running = this.#run(download, draft, key, wanted);
    this.#running.set(download, running);
    void running.finally(() => this.#running.delete(download));
    return download;
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
