/**
 * One document as it is sent: its bytes, in each encoding once it was asked for, under a tag made of the bytes. Knows
 * nothing of packages but what their documents are called.
 * @module
 */
import { chooseEncoding, encode, type Encoding } from '../../http/encoding.ts';
import { isKnownToReader } from '../conditions.ts';
import { partsOf, type Parts } from './document-parts.ts';

export const FULL_TYPE = 'application/json';
/** The short document, for those who only install. */
export const SHORT_TYPE = 'application/vnd.npm.install-v1+json';
/** Below this the headers weigh more than what is saved. */
const ENCODED_MIN_BYTES = 1024;
/** Up to here it is encoded as small as it gets: somebody waits for it. */
const BEST_MAX_BYTES = 64 * 1024;
const TAG_LENGTH = 22;
/** What is known of where a version lies, about. */
const PART_BYTES = 128;

export class Representation {
  readonly contentType: string;
  readonly #tag: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #encoded = new Map<Encoding, Uint8Array<ArrayBuffer>>();
  readonly #encoding = new Map<Encoding, Promise<Uint8Array<ArrayBuffer>>>();
  #parts: Parts | null = null;
  readonly #grown: (size_bytes: number) => void;

  /** `grown` is told of what it holds besides `text`, in bytes, as it comes. */
  constructor(text: string, contentType: string, grown: (size_bytes: number) => void) {
    this.contentType = contentType;
    this.#bytes = new TextEncoder().encode(text);
    this.#tag = new Bun.CryptoHasher('sha256').update(this.#bytes).digest('base64url').slice(0, TAG_LENGTH);
    this.#grown = grown;
  }

  /** The dist-tags, by tag. */
  get tags(): Readonly<Record<string, string>> {
    const { tags } = this.#found();
    if (tags === undefined) return {};
    return JSON.parse(new TextDecoder().decode(this.#bytes.subarray(...tags))) as Record<string, string>;
  }

  /** The bytes of one version; undefined: it has none of that number. */
  version(version: string): Uint8Array<ArrayBuffer> | undefined {
    const place = this.#found().versions.get(version);
    return place === undefined ? undefined : this.#bytes.subarray(...place);
  }

  get size_bytes(): number {
    return this.#bytes.length;
  }

  /** What of it a client gets that accepts this; null: the bytes as they are. */
  encodingFor(accepted: string | null): Encoding | null {
    return accepted === null || this.#bytes.length < ENCODED_MIN_BYTES ? null : chooseEncoding(accepted);
  }

  etagOf(encoding: Encoding | null): string {
    return encoding === null ? `"${this.#tag}"` : `"${this.#tag}+${encoding}"`;
  }

  /** Whether a reader who names these tags has it already, in whatever encoding. */
  isKnown(noneMatch: string | null | undefined): boolean {
    return isKnownToReader(noneMatch, this.etagOf(null));
  }

  /** The bytes, where they are there already. */
  held(encoding: Encoding | null): Uint8Array<ArrayBuffer> | undefined {
    return encoding === null ? this.#bytes : this.#encoded.get(encoding);
  }

  /** The bytes; encoded once, however many ask for it meanwhile. */
  async bytes(encoding: Encoding | null): Promise<Uint8Array<ArrayBuffer>> {
    const held = this.held(encoding);
    if (held !== undefined || encoding === null) return held!;
    const known = this.#encoding.get(encoding);
    if (known !== undefined) return await known;
    const making = this.#make(encoding).finally(() => this.#encoding.delete(encoding));
    this.#encoding.set(encoding, making);
    return await making;
  }

  #found(): Parts {
    if (this.#parts !== null) return this.#parts;
    this.#parts = partsOf(this.#bytes);
    this.#grown(this.#parts.versions.size * PART_BYTES);
    return this.#parts;
  }

  async #make(encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
    const effort = this.#bytes.length <= BEST_MAX_BYTES ? 'best' : 'fast';
    const bytes = await encode(this.#bytes, encoding, effort);
    this.#encoded.set(encoding, bytes);
    this.#grown(bytes.length);
    return bytes;
  }
}
