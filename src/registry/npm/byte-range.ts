/** Parts of bytes that never change: what Range and If-Range ask for. Pure. @module */

/** From `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * The one part that is asked for; null: all of it (also for several parts, and for what is no range); 'none': no byte
 * of it is there.
 * @example rangeOf('bytes=-3', undefined, '"x"', 10) // { start: 7, end: 10 }
 */
export function rangeOf(
  range: string | undefined,
  ifRange: string | undefined,
  etag: string,
  size_bytes: number,
): ByteRange | 'none' | null {
  const [, first = '', last = ''] = RANGE.exec(range?.replaceAll(' ', '') ?? '') ?? [];
  if (first + last === '' || (ifRange !== undefined && ifRange !== etag)) return null;
  if (first === '') {
    const start = Math.max(0, size_bytes - Number(last));
    return start === size_bytes ? 'none' : { start, end: size_bytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  return start >= size_bytes
    ? 'none'
    : { start, end: last === '' ? size_bytes : Math.min(Number(last) + 1, size_bytes) };
}
