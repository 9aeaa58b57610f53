/**
 * One tarball on its way from an uplink into the cache, and to everybody who wants it meanwhile. All of them read the
 * file that grows, so none waits for the slowest and memory stays flat. Its last byte is given to nobody before the
 * whole was verified: what is wrong reaches no client as something whole. Of what comes from elsewhere than from the
 * uplink's own place, not even the first one is. Once begun it goes on, whoever leaves.
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, read as readFile } from 'node:fs';
import { promisify } from 'node:util';
import type { Asked } from './asker.ts';
import type { CacheDraft } from './cache.ts';
import { integrityText, type Expected } from '../integrity.ts';
import { uplinkError } from './uplink.ts';

const PIECE_BYTES = 256 * 1024;
const read = promisify(readFile);

export interface DownloadSource {
  readonly asked: Asked;
  readonly draft: CacheDraft;
  readonly expected: Expected;
  readonly limit_bytes: number;
  readonly uplink: string;
  readonly about: string;
}

/** One reader's place in the file. It is closed once, and never while it is read: its number is another file's then. */
class DraftReader {
  read_bytes = 0;
  isLeft = false;
  readonly #file: number;
  #isReading = false;

  constructor(file: number) {
    this.#file = file;
  }

  async next(until: number): Promise<Uint8Array> {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, until - this.read_bytes));
    this.#isReading = true;
    try {
      const { bytesRead } = await read(this.#file, piece, 0, piece.length, this.read_bytes);
      this.read_bytes += bytesRead;
      return piece.subarray(0, bytesRead);
    } finally {
      this.#isReading = false;
      if (this.isLeft) closeSync(this.#file);
    }
  }

  leave(): void {
    if (this.isLeft) return;
    this.isLeft = true;
    if (!this.#isReading) closeSync(this.#file);
  }
}

export class Download {
  /** Whether it may be read while it comes. */
  readonly isReadable: boolean;
  /** null: the uplink did not say. */
  readonly size_bytes: number | null;
  readonly #source: DownloadSource;
  #written_bytes = 0;
  /** From now on the draft may be gone from where it was. */
  #isTaken = false;
  #end: 'whole' | { readonly error: unknown } | null = null;
  #news = Promise.withResolvers<void>();

  constructor(source: DownloadSource) {
    this.#source = source;
    this.isReadable = source.asked.isOwn;
    const { headers } = source.asked.response;
    const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
    this.size_bytes = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;
  }

  /**
   * Takes the bytes in until their end; `keep` is called with the SHA-512 of what was verified, before anybody is told
   * that it is whole. Errors: ERR_UPLINK, those of the file system.
   */
  async run(keep: (hash: string) => Promise<void>): Promise<void> {
    try {
      const hash = await this.#take();
      this.#isTaken = true;
      await keep(hash);
      this.#finish('whole');
    } catch (error) {
      this.#isTaken = true;
      this.#finish({ error });
      throw error;
    } finally {
      this.#source.asked.silence.end();
    }
  }

  /** Waits until it is in the cache. Errors: those of `run`. */
  async whole(): Promise<void> {
    while (this.#end === null) await this.#news.promise;
    if (this.#end !== 'whole') throw this.#end.error;
  }

  /**
   * The bytes from the first on, as they come; it breaks off where they turn out to be wrong. Whoever does not read it
   * cancels it. null: all of it is there, and it is in the cache now or soon.
   */
  body(): ReadableStream<Uint8Array> | null {
    if (this.#isTaken) return null;
    const reader = new DraftReader(openSync(this.#source.draft.path, 'r'));
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      try {
        const piece = await this.#next(reader);
        if (reader.isLeft) return;
        if (piece !== null) return controller.enqueue(piece);
        reader.leave();
        controller.close();
      } catch (error) {
        if (reader.isLeft) return;
        reader.leave();
        controller.error(error);
      }
    };
    return new ReadableStream<Uint8Array>({ pull, cancel: () => reader.leave() }, { highWaterMark: 0 });
  }

  /** null: that was all, or nobody wants more. */
  async #next(reader: DraftReader): Promise<Uint8Array | null> {
    while (this.#end === null && reader.read_bytes >= this.#written_bytes - 1) await this.#news.promise;
    if (this.#end !== null && this.#end !== 'whole') throw this.#end.error;
    const until = this.#end === 'whole' ? this.#written_bytes : this.#written_bytes - 1;
    return reader.isLeft || reader.read_bytes >= until ? null : await reader.next(until);
  }

  async #take(): Promise<string> {
    const { asked, draft, expected, limit_bytes } = this.#source;
    const [sum, hash] = [createHash(expected.algorithm), createHash('sha512')];
    for await (const chunk of this.#chunks(asked)) {
      if (this.#written_bytes + chunk.length > limit_bytes) throw this.#fault(`it has more than ${limit_bytes} bytes`);
      await draft.write(chunk);
      sum.update(chunk);
      hash.update(chunk);
      this.#written_bytes += chunk.length;
      this.#tell();
    }
    if (this.size_bytes !== null && this.#written_bytes !== this.size_bytes) throw this.#fault('it broke off');
    const found = { ...expected, digest: sum.digest('base64') };
    if (found.digest === expected.digest) return hash.digest('hex');
    // Of what lies elsewhere nothing is told, not even a hash: it may be what nobody should know.
    const is = this.isReadable ? integrityText(found) : 'another';
    throw this.#fault(`its integrity is ${is}, and should be ${integrityText(expected)}`);
  }

  async *#chunks({ response, silence }: Asked): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    let isDone = reader === undefined;
    try {
      while (reader !== undefined && !isDone) {
        const { done, value } = await silence.within(reader.read());
        isDone = done;
        silence.heard();
        if (!done) yield value;
      }
    } catch (error) {
      isDone = true;
      await reader?.cancel().catch(() => undefined);
      throw this.#fault(silence.fault(`nothing came for ${silence.limit_ms} ms`, 'it broke off'), error);
    } finally {
      if (!isDone) await reader?.cancel();
    }
  }

  #finish(end: 'whole' | { readonly error: unknown }): void {
    this.#end = end;
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers();
    resolve();
  }

  #fault(fault: string, cause?: unknown): Error {
    const { uplink, about } = this.#source;
    return uplinkError(uplink, about, fault, cause);
  }
}
