/**
 * Follows the JSON of a publish as its bytes come and says where the base64 of a tarball begins, so that it never has
 * to be held. All other bytes are gathered, up to a limit. It only finds its way: whether it was JSON is judged of
 * what it gathered.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { notJson } from '../../config/strict-json.ts';
import { Gathered } from './gathered.ts';

const QUOTE = 0x22;
const ESCAPE = 0x5c;
/** Bytes of a key that is looked at; a longer one is not ours. */
const KEY_BYTES_MAX = 4096;
/** Objects and arrays within each other: what walks the document may recurse. */
const DEPTH_MAX = 100;
/** Where `_attachments.<file>.data` stands. */
const DATA_DEPTH = 3;
const TARBALL_END = '.tgz';

export class DocumentScanner {
  readonly #gathered = new Gathered();
  readonly #limit_bytes: number;
  /** Where something was left out, and how much of it: offsets in what was gathered. */
  readonly #cuts: { readonly at: number; readonly size: number }[] = [];
  /** Of each open container, whether it is an object. */
  readonly #isObject: boolean[] = [];
  /** The key that was last read at each of the outer depths. */
  readonly #keys: (string | null)[] = [];
  #isKeyNext = false;
  #isInString = false;
  #isEscaped = false;
  /** The bytes of the key that is being read; null while none is, or none that could be ours. */
  #key: number[] | null = null;

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes;
  }

  /**
   * Reads from `from` on. Returns where it stopped: at the end, or right behind the quote that opens the data of
   * `file`. Throws ERR_BODY_TOO_LARGE, ERR_BODY_JSON for what is nested too deep.
   */
  scan(chunk: Uint8Array, from: number): { readonly at: number; readonly file: string | null } {
    for (let i = from; i < chunk.length;) {
      if (this.#isInString) {
        i = this.#string(chunk, i);
        continue;
      }
      const file = chunk[i] === QUOTE ? this.#opened() : null;
      if (chunk[i] !== QUOTE) this.#structure(chunk[i]!);
      i += 1;
      if (file !== null) {
        this.#gather(chunk, from, i);
        return { at: i, file };
      }
    }
    this.#gather(chunk, from, chunk.length);
    return { at: chunk.length, file: null };
  }

  /** `size` bytes were read elsewhere; the quote behind them comes next. */
  skipped(size: number): void {
    this.#cuts.push({ at: this.#gathered.size_bytes, size });
  }

  /** The document without what was skipped. */
  bytes(): Uint8Array {
    return this.#gathered.bytes();
  }

  /** Where in the whole document a position of `bytes()` is. */
  positionOf(position: number): number {
    return this.#cuts.reduce((sum, { at, size }) => (at <= position ? sum + size : sum), position);
  }

  #opened(): string | null {
    this.#isInString = true;
    const depth = this.#isObject.length;
    if (this.#isKeyNext) {
      this.#isKeyNext = false;
      this.#key = depth <= DATA_DEPTH ? [] : null;
      return null;
    }
    const [attachments, file, data] = this.#keys;
    const isData = depth === DATA_DEPTH && this.#isObject.every(Boolean) && attachments === '_attachments';
    return isData && data === 'data' && file?.endsWith(TARBALL_END) === true ? file : null;
  }

  /** From inside a string to its end, or to that of the chunk. */
  #string(chunk: Uint8Array, from: number): number {
    let i = from;
    for (; i < chunk.length; i += 1) {
      const byte = chunk[i]!;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === ESCAPE) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isInString = false;
        if (this.#key !== null) this.#keys[this.#isObject.length - 1] = keyOf(this.#key);
        this.#key = null;
        return i + 1;
      }
      if (this.#key !== null && this.#key.push(byte) > KEY_BYTES_MAX) this.#forget();
    }
    return i;
  }

  #forget(): void {
    this.#key = null;
    this.#keys[this.#isObject.length - 1] = null;
  }

  #structure(byte: number): void {
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        if (this.#isObject.push(byte === 0x7b) > DEPTH_MAX)
          throw notJson(`it is nested deeper than ${DEPTH_MAX}`, null);
        if (this.#isObject.length <= DATA_DEPTH) this.#keys[this.#isObject.length - 1] = null;
        this.#isKeyNext = byte === 0x7b;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        this.#isObject.pop();
        this.#isKeyNext = false;
        break;
      case 0x2c: // ,
        this.#isKeyNext = this.#isObject.at(-1) === true;
        break;
      default:
    }
  }

  #gather(chunk: Uint8Array, from: number, to: number): void {
    if (this.#gathered.size_bytes + to - from > this.#limit_bytes) throw tooLarge(this.#limit_bytes);
    this.#gathered.push(chunk.subarray(from, to));
  }
}

/** null for what is no key of JSON: the document will be refused for it. */
function keyOf(bytes: readonly number[]): string | null {
  try {
    return JSON.parse(`"${Buffer.from(bytes).toString()}"`) as string;
  } catch {
    return null;
  }
}

function tooLarge(limit_bytes: number): ConfigError<'ERR_BODY_TOO_LARGE'> {
  return new ConfigError('ERR_BODY_TOO_LARGE', {
    message: `The document beside the tarball is larger than ${limit_bytes} bytes`,
    hint: 'Shorten the readme and what else package.json brings; nothing was kept.',
    details: { limit_bytes },
  });
}
