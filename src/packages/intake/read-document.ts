/**
 * The document that clients send to publish, read as it comes: the tarball's base64 goes straight to a draft of the
 * blob store, and what is left is small, bounded and strict JSON. What the document means is not known here.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { asObject } from '../../config/input.ts';
import { notJson, parseStrictJson } from '../../config/strict-json.ts';
import type { Blobs, Draft } from '../blobs/blobs.ts';
import { Base64Decoder, Base64Fault } from './base64.ts';
import { DocumentScanner } from './document-scanner.ts';
import { requirePlainKeys } from './plain-keys.ts';

/** Of a document, its tarballs left out. */
export const DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024;
/** Of a publish: its tarball and its provenance, and room for what clients may think of. */
const ATTACHMENTS_MAX = 4;

export interface Attachment {
  /** '' where none is said. */
  readonly contentType: string;
  /** As the document says; null: it does not. Of text it is counted in UTF-16 units. */
  readonly length: number | null;
  /** A tarball's bytes, or the text of what is no tarball in UTF-8. */
  readonly draft: Draft;
}

export interface Incoming {
  /** All of it but the data of tarballs, which is ''. */
  readonly document: Readonly<Record<string, unknown>>;
  /** By file name, those whose `data` is text. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** Lets go of what was not kept. Safe at any time, and twice. */
  drop(): Promise<void>;
}

export interface DocumentLimits {
  readonly blobs: Blobs;
  /** Of a tarball. */
  readonly limit_bytes: number;
  /** Of all else; `DOCUMENT_LIMIT_BYTES`. */
  readonly documentLimit_bytes?: number;
}

/**
 * Reads all of the body; memory stays flat. Errors: ERR_BODY_JSON, ERR_DUPLICATE_KEY, ERR_WRONG_TYPE,
 * ERR_BODY_TOO_LARGE, ERR_PACKAGE_INVALID for data that is not base64, ERR_BLOB, and what the body itself throws;
 * nothing stays after any.
 * @example const incoming = await readDocument(request.body, { blobs, limit_bytes: 100_000_000 });
 */
export async function readDocument(body: AsyncIterable<Uint8Array>, limits: DocumentLimits): Promise<Incoming> {
  const tarballs = new Map<string, Draft>();
  const drafts: Draft[] = [];
  const drop = async (): Promise<void> => {
    await Promise.all(drafts.map((draft) => draft.drop()));
  };
  try {
    const scanner = await scanned(body, limits, (file, draft) => {
      drafts.push(draft);
      tarballs.set(file, draft);
      if (drafts.length > ATTACHMENTS_MAX) throw invalid('_attachments', `it has more than ${ATTACHMENTS_MAX} files`);
    });
    const parsed = parseStrictJson(scanner.bytes(), (position) => scanner.positionOf(position));
    const document = asObject('body', parsed);
    requirePlainKeys(document);
    const attachments = await attachmentsOf(document, tarballs, async (text) => {
      const draft = await limits.blobs.draft(once(Buffer.from(text)), limits.limit_bytes);
      drafts.push(draft);
      return draft;
    });
    return { document, attachments, drop };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** Follows the document to its end, handing out a draft for each tarball in it. */
async function scanned(
  body: AsyncIterable<Uint8Array>,
  { blobs, limit_bytes, documentLimit_bytes = DOCUMENT_LIMIT_BYTES }: DocumentLimits,
  onTarball: (file: string, draft: Draft) => void,
): Promise<DocumentScanner> {
  const scanner = new DocumentScanner(documentLimit_bytes);
  const reading = new Reading(body);
  try {
    while (await reading.hasMore()) {
      const { at, file } = scanner.scan(reading.chunk, reading.at);
      reading.at = at;
      if (file === null) continue;
      const data = new TarballData(reading, file);
      onTarball(file, await blobs.draft(data.bytes(), limit_bytes));
      scanner.skipped(data.size);
    }
    return scanner;
  } finally {
    await reading.close();
  }
}

/** The body, and how far it is read. */
class Reading {
  chunk: Uint8Array = new Uint8Array(0);
  at = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** Whether there is a byte at `at`; waits for the next chunk where this one is read. */
  async hasMore(): Promise<boolean> {
    while (this.at === this.chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.chunk = next.value;
      this.at = 0;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

class TarballData {
  /** Characters of it. */
  size = 0;
  readonly #reading: Reading;
  readonly #file: string;

  constructor(reading: Reading, file: string) {
    this.#reading = reading;
    this.#file = file;
  }

  async *bytes(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const decoder = new Base64Decoder();
    while (await this.#reading.hasMore()) {
      const { chunk, at } = this.#reading;
      const { bytes, end } = this.#take(decoder, chunk, at);
      this.#reading.at = end ?? chunk.length;
      this.size += this.#reading.at - at;
      if (bytes.length > 0) yield bytes;
      if (end !== null) return;
    }
    throw notJson('it ends within the data of a tarball', null);
  }

  #take(decoder: Base64Decoder, chunk: Uint8Array, from: number): ReturnType<Base64Decoder['take']> {
    try {
      return decoder.take(chunk, from);
    } catch (error) {
      if (!(error instanceof Base64Fault)) throw error;
      throw invalid(`_attachments/${this.#file}/data`, `${error.message}: no base64`);
    }
  }
}

async function attachmentsOf(
  { _attachments }: Readonly<Record<string, unknown>>,
  tarballs: ReadonlyMap<string, Draft>,
  draftOf: (text: string) => Promise<Draft>,
): Promise<ReadonlyMap<string, Attachment>> {
  const attachments = new Map<string, Attachment>();
  if (_attachments === undefined || _attachments === null) return attachments;
  const entries = Object.entries(asObject('_attachments', _attachments));
  if (entries.length > ATTACHMENTS_MAX) throw invalid('_attachments', `it has more than ${ATTACHMENTS_MAX} files`);
  for (const [file, value] of entries) {
    const { content_type, length, data } = asObject(`_attachments/${file}`, value);
    if (typeof data !== 'string') continue;
    attachments.set(file, {
      contentType: typeof content_type === 'string' ? content_type : '',
      length: typeof length === 'number' ? length : null,
      draft: tarballs.get(file) ?? (await draftOf(data)),
    });
  }
  return attachments;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function invalid(path: string, fault: string): ConfigError<'ERR_PACKAGE_INVALID'> {
  return new ConfigError('ERR_PACKAGE_INVALID', {
    message: `The document cannot be published: ${path}: ${fault}`,
    hint: 'Send it again; if it stays so, update the client that made it.',
    details: { package: '', path, fault },
  });
}
