/**
 * A bar for what takes longer than a second, on a terminal's stderr only and on one line that it takes away again. It
 * reads no keys, so that Ctrl-C stays what it is.
 * @module
 */
import { writeSync } from 'node:fs';
import type { Style } from './text.ts';

const SHOWN_AFTER_MS = 1000;
const REDRAWN_AFTER_MS = 100;
const BAR_COLUMNS = 24;
const CLEAR_LINE = '\r\u001b[K';

export interface ProgressOptions {
  readonly style: Style;
  readonly quiet: boolean;
  /** Milliseconds from any start. Default: the process's own. */
  readonly clock?: () => number;
  /** Default: stderr. */
  readonly write?: (text: string) => void;
}

export class Progress {
  readonly #label: string;
  readonly #style: Style;
  readonly #clock: () => number;
  readonly #write: (text: string) => void;
  readonly #isOn: boolean;
  #drawAt: number;
  #isDrawn = false;

  constructor(label: string, { style, quiet, clock = () => performance.now(), write = toStderr }: ProgressOptions) {
    this.#label = label;
    this.#style = style;
    this.#clock = clock;
    this.#write = write;
    this.#isOn = style.isTerminal && !quiet;
    this.#drawAt = clock() + SHOWN_AFTER_MS;
  }

  update(done: number, total: number): void {
    this.#draw(() => progressLine(this.#label, done, total, this.#style));
  }

  /** Shows how long a piece of work has taken that cannot say how far it is. */
  async during<T>(work: Promise<T>): Promise<T> {
    const started = this.#clock();
    const timer = setInterval(() => {
      this.#draw(() => `${this.#label}  ${Math.floor((this.#clock() - started) / 1000)} s`);
    }, REDRAWN_AFTER_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    if (this.#isDrawn) this.#write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  #draw(line: () => string): void {
    const now = this.#clock();
    if (!this.#isOn || now < this.#drawAt) return;
    this.#drawAt = now + REDRAWN_AFTER_MS;
    this.#isDrawn = true;
    this.#write(CLEAR_LINE + line());
  }
}

/** @example progressLine('verify', 50, 100, style) // 'verify  ████████████░░░░░░░░░░░░   50 %  50 of 100' */
export function progressLine(label: string, done: number, total: number, style: Style): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(part * BAR_COLUMNS);
  const bar = style.green('█'.repeat(filled)) + style.dim('░'.repeat(BAR_COLUMNS - filled));
  return `${label}  ${bar}  ${String(Math.floor(part * 100)).padStart(3)} %  ${done} of ${total}`;
}

function toStderr(text: string): void {
  writeSync(process.stderr.fd, text);
}
