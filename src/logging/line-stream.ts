/**
 * Lines on their way to a file descriptor: gathered, and written in one go off the event loop, so that a line costs a
 * request next to nothing. Whoever reads them slowly delays nobody: what exceeds the limit is left out, counted, and
 * the count is written as soon as there is room. Knows nothing of what a line says.
 * @module
 */
import { write, writeSync } from 'node:fs';

/** From here on a write is worth its system call. */
const GATHERED_BYTES = 64 * 1024;
const GATHERED_MS = 1000;
const WAITING_MAX_BYTES = 8 * 1024 * 1024;

export class LineStream {
  readonly #fd: number;
  readonly #limit: number;
  #waiting = '';
  /** Given to the system, and not known to be written. */
  #underWay: Buffer | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isGone = false;
  #lost = 0;
  #flushed: (() => void)[] = [];

  constructor(fd: number, limit_bytes = WAITING_MAX_BYTES) {
    this.#fd = fd;
    this.#limit = limit_bytes;
    process.on('exit', () => this.flushSync());
  }

  /** Lines that were left out since the count was last written. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#isGone) return;
    if (this.#waiting.length + line.length > this.#limit) {
      this.#lost++;
      return;
    }
    this.#waiting += line;
    if (this.#waiting.length >= GATHERED_BYTES) this.#send();
    else this.#sendLater();
  }

  /** Resolves when everything up to now is written, or cannot be. */
  async flush(): Promise<void> {
    if (this.#waiting === '' && this.#underWay === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushed.push(resolve);
    this.#send();
    await promise;
  }

  /**
   * At the end of the process, when nothing can be waited for. What is under way is written again: a line may be there
   * twice, but the one that tells why the process ended is there.
   */
  flushSync(): void {
    if (this.#isGone || (this.#waiting === '' && this.#underWay === null)) return;
    const rest = Buffer.concat([this.#underWay ?? Buffer.alloc(0), Buffer.from(this.#text())]);
    try {
      for (let written = 0; written < rest.length;) written += writeSync(this.#fd, rest, written);
    } catch {
      // There is no room, and no time to wait for it.
      this.#isGone = true;
    }
  }

  #sendLater(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#send(), GATHERED_MS);
    this.#timer.unref();
  }

  #send(): void {
    if (this.#underWay !== null || this.#waiting === '') return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pass(Buffer.from(this.#text()));
  }

  #text(): string {
    const text = this.#lost === 0 ? this.#waiting : `${this.#waiting}${lostLine(this.#lost)}`;
    this.#waiting = '';
    this.#lost = 0;
    return text;
  }

  #pass(bytes: Buffer): void {
    this.#underWay = bytes;
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null) this.#failed(error, bytes);
      else if (written < bytes.length) this.#pass(bytes.subarray(written));
      else this.#done();
    });
  }

  #done(): void {
    this.#underWay = null;
    if (this.#waiting !== '')
      return this.#waiting.length >= GATHERED_BYTES || this.#flushed.length > 0 ? this.#send() : this.#sendLater();
    this.#release();
  }

  /** A reader that is gone does not come back; a full disk or a full pipe may have room later. */
  #failed({ code }: NodeJS.ErrnoException, bytes: Buffer): void {
    if (code === 'EPIPE' || code === 'EBADF') {
      this.#isGone = true;
      this.#waiting = '';
      this.#underWay = null;
    } else {
      setTimeout(() => this.#pass(bytes), GATHERED_MS).unref();
    }
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#flushed.splice(0)) resolve();
  }
}

function lostLine(count: number): string {
  return `${JSON.stringify({ level: 'warn', time: Date.now(), name: 'log', msg: 'lines were left out', count })}\n`;
}
