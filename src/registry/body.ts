/**
 * The bytes of a request's body, made into JSON or refused: how large, of which type, well-formed, no key twice. What
 * the JSON means is not known here.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { parseStrictJson } from '../config/strict-json.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Whoever sends byte by byte holds a place among the requests under way no longer than this. */
const BODY_TIME_MS = 30_000;
/** What a whole file in a body is given: some 30 MB of text, over a slow line. */
export const FILE_BODY = { limit_bytes: 32 * BODY_LIMIT_BYTES, bodyTime_ms: 4 * BODY_TIME_MS } as const;
const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json *(?:;.*)?$/i;

/** How long a body is waited for. */
export interface BodyPatience {
  /** Aborted when the server waits no longer. */
  readonly closing?: AbortSignal;
  /** From its first byte to its last, in milliseconds. */
  readonly bodyTime_ms?: number;
  /** Of its size. */
  readonly limit_bytes?: number;
}

/**
 * The body as JSON; undefined when there is none. Errors: ERR_CONTENT_TYPE, ERR_BODY_TOO_LARGE (nothing is parsed
 * then), ERR_BODY_JSON, ERR_DUPLICATE_KEY; ERR_BODY_TIMEOUT and ERR_CLOSED when not all of it is there in time.
 */
export async function readBody(request: Request, patience: BodyPatience = {}): Promise<unknown> {
  const bytes = await readJsonBytes(request, patience);
  return bytes.length === 0 ? undefined : parseStrictJson(bytes);
}

/** The bytes of a body that is said to be JSON, empty when there is none. Errors: ERR_CONTENT_TYPE, as `readBytes`. */
export async function readJsonBytes(request: Request, patience: BodyPatience = {}): Promise<Uint8Array> {
  const type = request.headers.get('content-type');
  if (type !== null && !JSON_TYPE.test(type)) throw contentType(type);
  const bytes = await readBytes(request, patience);
  if (bytes.length > 0 && type === null) throw contentType(null);
  return bytes;
}

/** Whether a body that is read as it comes is said to be JSON. Throws ERR_CONTENT_TYPE. */
export function requireJson({ headers }: Request): void {
  const type = headers.get('content-type');
  if (type === null || !JSON_TYPE.test(type)) throw contentType(type);
}

/** A body comes once; who asks again gets the same bytes. */
const READ = new WeakMap<Request, Promise<Uint8Array>>();

/** The body as it came, empty when there is none. Errors: ERR_BODY_TOO_LARGE, ERR_BODY_TIMEOUT, ERR_CLOSED. */
export async function readBytes(request: Request, patience: BodyPatience = {}): Promise<Uint8Array> {
  const { limit_bytes = BODY_LIMIT_BYTES } = patience;
  if (Number(request.headers.get('content-length') ?? 0) > limit_bytes) throw tooLarge(limit_bytes);
  const known = READ.get(request);
  if (known !== undefined) return await known;
  const reading = readInTime(request.body, patience);
  READ.set(request, reading);
  return await reading;
}

/**
 * The same for a body that is small, as its announced length says: no stream is made for it. Who asks again gets the
 * same bytes. Errors: as those of `readBytes`.
 */
export async function readSmall(request: Request, patience: BodyPatience = {}): Promise<Uint8Array> {
  const { closing, bodyTime_ms = BODY_TIME_MS } = patience;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  READ.set(request, promise);
  const onClosing = (): void => reject(stopping());
  const timer = setTimeout(() => reject(tooSlow(bodyTime_ms)), bodyTime_ms);
  closing?.addEventListener('abort', onClosing);
  request.bytes().then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', onClosing);
  }
}

async function readInTime(
  body: ReadableStream<Uint8Array> | null,
  { closing, bodyTime_ms = BODY_TIME_MS, limit_bytes = BODY_LIMIT_BYTES }: BodyPatience,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0);
  if (closing?.aborted === true) throw stopping();
  const reader = body.getReader();
  let late: ConfigError | null = null;
  const stop = (error: ConfigError): void => {
    late ??= error;
    // A body that broke meanwhile says so to the read that waits for it.
    reader.cancel().catch(() => undefined);
  };
  const onClosing = (): void => stop(stopping());
  const timer = setTimeout(() => stop(tooSlow(bodyTime_ms)), bodyTime_ms);
  closing?.addEventListener('abort', onClosing);
  try {
    const bytes = await readLimited(reader, limit_bytes);
    if (late !== null) throw late;
    return bytes;
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', onClosing);
  }
}

/** Counts what really comes: a chunked body announces no length. */
async function readLimited(reader: ReadableStreamDefaultReader<Uint8Array>, limit_bytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size > limit_bytes) throw tooLarge(limit_bytes);
    chunks.push(read.value);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

export function stopping(): ConfigError {
  return new ConfigError('ERR_CLOSED', {
    message: 'The registry stops, and the body of the request is not all there',
    hint: 'Send it again when the registry runs again; nothing of it was done.',
    details: { what: 'registry' },
  });
}

export function tooSlow(limit_ms: number): ConfigError {
  return new ConfigError('ERR_BODY_TIMEOUT', {
    message: `The body is not all there after ${limit_ms / 1000} s`,
    hint: 'Send it faster, or less at once; nothing of it was done.',
    details: { limit_ms },
  });
}

export function tooLarge(limit_bytes: number): ConfigError {
  return new ConfigError('ERR_BODY_TOO_LARGE', {
    message: `The body is larger than ${limit_bytes} bytes`,
    hint: 'Send less at once; nothing of it was read.',
    details: { limit_bytes },
  });
}

function contentType(found: string | null): ConfigError {
  return new ConfigError('ERR_CONTENT_TYPE', {
    message: `The body ${found === null ? 'has no content type' : `is said to be '${found.slice(0, 80)}'`}`,
    hint: 'Send JSON, with the header Content-Type: application/json.',
    details: { found: found?.slice(0, 80) ?? null },
  });
}
