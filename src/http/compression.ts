/**
 * Responses in an encoding that the client takes. A strong ETag names exact bytes, so encoded ones get another:
 * `"41"` becomes `"41+zstd"`, and stays strong, because `If-Match` compares nothing weaker. `plainTags` takes the
 * encoding off again from what clients send back.
 * @module
 */
import { COMPRESSIBLE_CONTENT_TYPE_REGEX } from 'hono/utils/compress';
import { chooseEncoding, encode, type Encoding, ENCODINGS } from './encoding.ts';

/** Below this the headers weigh more than what is saved. */
const SIZE_MIN_BYTES = 1024;
/** What is longer is sent as it comes: it is not held in memory whole. */
const SIZE_MAX_BYTES = 8 * 1024 * 1024;

const WITHOUT_BODY = [101, 204, 205, 304];
const NO_TRANSFORM = /(?:^|,)\s*no-transform\s*(?:,|$)/i;
const VARIES = /(?:^|,)\s*(?:accept-encoding|\*)\s*(?:,|$)/i;
const ENCODED_TAG = new RegExp(`\\+(?:${ENCODINGS.join('|')})"`, 'g');

/**
 * The response, encoded if it may be: not what is under 1 KB or over 8 MB, is encoded already, is a part of something
 * (206), says `no-transform`, or is of a type that is dense by itself. The body is read whole, so a stream that has to
 * arrive piece by piece is a `text/event-stream` or `application/x-ndjson`, or says `no-transform`: those pass as they
 * are.
 * `Vary: Accept-Encoding` is on every response whose encoding depends on the client, also where it stayed plain.
 */
export async function compressResponse(
  request: Pick<Request, 'method' | 'headers'>,
  response: Response,
): Promise<Response> {
  const { headers, status } = response;
  if (!mayVary(response)) return response;
  addVary(headers);
  const encoding = chooseEncoding(request.headers.get('accept-encoding'));
  if (encoding === null || request.method === 'HEAD' || response.body === null || status === 304) return response;
  const length = headers.get('content-length');
  if (length !== null && (Number(length) < SIZE_MIN_BYTES || Number(length) > SIZE_MAX_BYTES)) return response;
  const read = await readWhole(response.body);
  if (read.rest !== null) return new Response(resumed(read.bytes, read.rest), response);
  if (read.bytes.length < SIZE_MIN_BYTES) return new Response(read.bytes, response);
  const encoded = new Response(await encode(read.bytes, encoding, 'fast'), response);
  markEncoded(encoded.headers, encoding);
  return encoded;
}

/**
 * The tags of `If-Match` or `If-None-Match` as they were before a response was encoded.
 * @example plainTags('"41+zstd", W/"40"') // '"41", W/"40"'
 */
export function plainTags(header: string): string {
  return header.replace(ENCODED_TAG, '"');
}

/** Bytes that are sent often: encoded as small as they get, once for each encoding, when it is first asked for. */
export class Precompressed {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #headers: Headers;
  readonly #encoded = new Map<Encoding, Promise<Uint8Array<ArrayBuffer>>>();

  /** `headers` are those of the plain response; `content-type` decides whether it is encoded. */
  constructor(bytes: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>) {
    this.#bytes = bytes;
    this.#headers = new Headers(headers);
  }

  /** A response to GET or HEAD. */
  async respond(request: Request): Promise<Response> {
    const headers = new Headers(this.#headers);
    const plain = new Response(request.method === 'HEAD' ? null : this.#bytes, { headers });
    if (this.#bytes.length < SIZE_MIN_BYTES || !mayVary(plain)) return plain;
    addVary(headers);
    const encoding = chooseEncoding(request.headers.get('accept-encoding'));
    if (encoding === null || request.method === 'HEAD') return new Response(plain.body, { headers });
    markEncoded(headers, encoding);
    return new Response(await this.#encodedAs(encoding), { headers });
  }

  #encodedAs(encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#encoded.get(encoding);
    if (known !== undefined) return known;
    const made = encode(this.#bytes, encoding, 'best');
    this.#encoded.set(encoding, made);
    return made;
  }
}

/** A 304 stands for a response that would have varied. */
function mayVary({ headers, status }: Response): boolean {
  if (status === 304) return true;
  if (WITHOUT_BODY.includes(status) || status === 206 || headers.has('content-encoding')) return false;
  if (NO_TRANSFORM.test(headers.get('cache-control') ?? '')) return false;
  return COMPRESSIBLE_CONTENT_TYPE_REGEX.test(headers.get('content-type') ?? '');
}

function addVary(headers: Headers): void {
  if (!VARIES.test(headers.get('vary') ?? '')) headers.append('vary', 'Accept-Encoding');
}

function markEncoded(headers: Headers, encoding: Encoding): void {
  headers.set('content-encoding', encoding);
  headers.delete('content-length');
  const tag = headers.get('etag');
  if (tag?.startsWith('"') === true) headers.set('etag', `${tag.slice(0, -1)}+${encoding}"`);
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

interface Read {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What has not been read, where the body is too long. */
  readonly rest: Reader | null;
}

async function readWhole(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Read> {
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: joined(chunks), rest: null };
    chunks.push(value);
    size += value.length;
    if (size > SIZE_MAX_BYTES) return { bytes: joined(chunks), rest: reader };
  }
}

function joined(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function resumed(bytes: Uint8Array<ArrayBuffer>, rest: Reader): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    async pull(controller) {
      const { done, value } = await rest.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => rest.cancel(reason),
  });
}
