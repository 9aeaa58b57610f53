/**
 * Which encoding a client takes, and bytes in that encoding. Work is done off the event loop. Knows nothing of
 * responses.
 * @module
 */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { parseAccept } from 'hono/utils/accept';

/** What we write, the preferred first. */
export const ENCODINGS = ['zstd', 'br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** `fast` for what is sent once, `best` for what is encoded once and sent often. */
export type Effort = 'fast' | 'best';

/** A client may send a header of any length; what a real one sends is short. */
const HEADER_MAX = 1000;

const encoders = {
  zstd: promisify(zstdCompress),
  br: promisify(brotliCompress),
  gzip: promisify(gzip),
} as const;

const LEVELS: Record<Effort, Record<Encoding, number>> = {
  fast: { zstd: 3, br: 4, gzip: 6 },
  best: { zstd: 19, br: 11, gzip: 9 },
};

/**
 * The encoding with the highest q-value, at equal ones zstd before br before gzip; null for bytes as they are. They are
 * also what a client gets that takes nothing we have, `identity;q=0` included: refusing it would help nobody.
 * @example chooseEncoding('gzip, br;q=0.9') // 'gzip'
 */
export function chooseEncoding(accepted: string | null): Encoding | null {
  if (accepted === null || accepted.length > HEADER_MAX) return null;
  const qualities = new Map(parseAccept(accepted).map(({ type, q }) => [type.toLowerCase(), q]));
  const others = qualities.get('*') ?? 0;
  // Bytes as they are, where nothing is said of them, are the last resort.
  let quality = qualities.get('identity') ?? Number.MIN_VALUE;
  let best: Encoding | null = null;
  for (const encoding of ENCODINGS) {
    const offered = qualities.get(encoding) ?? others;
    if (offered > quality || (best === null && offered === quality && offered > 0)) {
      best = encoding;
      quality = offered;
    }
  }
  return best;
}

export async function encode(bytes: Uint8Array, encoding: Encoding, effort: Effort): Promise<Uint8Array<ArrayBuffer>> {
  const level = LEVELS[effort][encoding];
  switch (encoding) {
    case 'zstd':
      return await encoders.zstd(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
    case 'br':
      return await encoders.br(bytes, {
        params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
      });
    case 'gzip':
      return await encoders.gzip(bytes, { level });
  }
}
