/**
 * The only place that writes: an answer on stdout, as one document or as text, and everything about the way there
 * (warnings, errors) on stderr. A reader that goes away early, such as `head`, is no failure.
 * @module
 */
import { errorLine, EXIT_FAILED, Stopped } from './failure.ts';
import { clean, cleanLines, type Style, styleOf } from './text.ts';
import type { AnyConfigError } from '../errors/errors.ts';
import type { Issue } from '../config/validation.ts';

/** What a command comes to. */
export interface Answer {
  /** For `--json`: plain data, always the same shape for one command. */
  readonly data: unknown;
  /** For people; without a line break at its end. */
  text(style: Style): string;
  /** Instead of the text, for files and pipes. */
  readonly bytes?: Uint8Array;
  /** What people should know besides, not a part of the answer; one line. */
  remark?(style: Style): string;
  /** A secret that is shown this one time: also where little is to be said. */
  readonly isSecret?: boolean;
  readonly warnings?: readonly Issue[];
  /** The answer is given, and it is bad news: the exit code says so too. */
  readonly fault?: AnyConfigError;
}

/** Of a reader that went away, now or before. */
const GONE: readonly string[] = ['EPIPE', 'ERR_STREAM_DESTROYED'];

export interface PrinterOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
}

export class Printer {
  readonly options: PrinterOptions;
  readonly #out: Style;
  readonly #err: Style;

  constructor(options: PrinterOptions) {
    this.options = options;
    this.#out = styleOf(columnsOf(process.stdout), options.colour && process.stdout.isTTY);
    this.#err = styleOf(columnsOf(process.stderr), options.colour && process.stderr.isTTY);
  }

  /** How stderr is written to. */
  get err(): Style {
    return this.#err;
  }

  async answer(answer: Answer): Promise<void> {
    const { data, warnings = [], fault, bytes } = answer;
    const { json, quiet } = this.options;
    if (!quiet && !json) await this.warnings(warnings);
    if (!quiet || answer.isSecret === true) {
      if (json) await writeOut(`${cleanLines(JSON.stringify(data, null, 2))}\n`);
      else if (bytes === undefined) await writeOut(ended(answer.text(this.#out)));
      else await write(process.stdout, bytes);
    }
    if (!quiet && !json && answer.remark !== undefined) await writeErr(`${answer.remark(this.#err)}\n`);
    if (fault !== undefined) await this.failure(fault);
  }

  async warnings(warnings: readonly Issue[]): Promise<void> {
    for (const { message, hint } of warnings) {
      const advice = hint === undefined ? '' : ` — ${clean(hint)}`;
      await writeErr(`${this.#err.yellow('warning:')} ${clean(message)}${advice}\n`);
    }
  }

  async failure(error: AnyConfigError): Promise<void> {
    const line = errorLine(error).replace(/^error:/, this.#err.red('error:'));
    await writeErr(this.options.json ? `${JSON.stringify({ error })}\n` : `${line}\n`);
  }
}

/** Text for stdout as it stands: help, a completion script. */
export async function writeOut(text: string): Promise<void> {
  if (text !== '') await write(process.stdout, text);
}

export async function writeErr(text: string): Promise<void> {
  await write(process.stderr, text);
}

/** Through the stream that knows the terminal: a pipe that is full is waited for, and nothing is written twice. */
async function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  try {
    await written(stream, text);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (GONE.includes(code)) return;
    throw new Stopped(
      `error: The output cannot be written: ${message} — Write it to where there is space.`,
      EXIT_FAILED,
    );
  }
}

function written(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.write(text, (error) => {
      if (error) return reject(error);
      stream.off('error', reject);
      resolve();
    });
  });
}

function ended(text: string): string {
  return text === '' ? '' : `${text}\n`;
}

function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY ? stream.columns || 80 : 0;
}
