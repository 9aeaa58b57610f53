/**
 * A body that is too large to be held, piece by piece: counted, and given up when it does not come on. Holds no more of
 * it than the piece that is looked at. What the bytes mean is not known here.
 * @module
 */
import { leaveGarbage } from '../../packages/intake/garbage.ts';
import { DOCUMENT_LIMIT_BYTES } from '../../packages/intake/read-document.ts';
import { tooLarge, tooSlow, stopping, type BodyPatience } from '../body.ts';

/** A piece is waited for no longer than this; a whole body may take its time. */
const PIECE_TIME_MS = 25_000;

/** Of a body whose tarball has this many bytes: base64 makes four of three, and the document comes besides. */
export function bodyLimitOf(tarball_bytes: number): number {
  return Math.ceil(tarball_bytes / 3) * 4 + DOCUMENT_LIMIT_BYTES;
}

/**
 * The pieces of a body, at most `limit_bytes` together. Errors: ERR_BODY_TOO_LARGE, ERR_BODY_TIMEOUT, ERR_CLOSED, and
 * what the connection says that broke.
 * @example for await (const piece of piecesOf(request, { limit_bytes: 1_000_000 })) hash.update(piece);
 */
export async function* piecesOf(
  { body, headers }: Request,
  { closing, limit_bytes }: Pick<BodyPatience, 'closing'> & { readonly limit_bytes: number },
): AsyncGenerator<Uint8Array> {
  if (Number(headers.get('content-length') ?? 0) > limit_bytes) throw tooLarge(limit_bytes);
  if (body === null) return;
  const reader = body.getReader();
  let size = 0;
  let isWhole = false;
  try {
    for (let read = await pieceOf(reader, closing); !read.done; read = await pieceOf(reader, closing)) {
      size += read.value.length;
      if (size > limit_bytes) throw tooLarge(limit_bytes);
      yield read.value;
      leaveGarbage(read.value.length);
    }
    isWhole = true;
  } finally {
    // What broke meanwhile has told those who read it.
    if (!isWhole) reader.cancel().catch(() => undefined);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function pieceOf(reader: Reader, closing: AbortSignal | undefined): ReturnType<Reader['read']> {
  if (closing?.aborted === true) throw stopping();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onClosing = (): void => reject(stopping());
  const timer = setTimeout(() => reject(tooSlow(PIECE_TIME_MS)), PIECE_TIME_MS);
  closing?.addEventListener('abort', onClosing);
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', onClosing);
  }
}
