/**
 * Memory that large packages leave behind while they pass: pieces that nobody holds any more. The collector goes by how
 * many objects there are, and these are few and large, so it is told. Small packages never reach that. One count for
 * the whole process, because a collection stops all of it: the longer, the more the process holds.
 * @module
 */

const UNSEEN_MAX_BYTES = 6 * 1024 * 1024;
/** A process that holds more than this is large anyway, and is stopped no oftener than once in `REST_MS`. */
const FULL_BYTES = 64 * 1024 * 1024;
const REST_MS = 1000;

let unseen_bytes = 0;
/** On the clock of `performance.now`. */
let restsUntil = 0;

/**
 * So much was looked at and let go.
 * @example for await (const piece of body) leaveGarbage(take(piece).length);
 */
export function leaveGarbage(size_bytes: number): void {
  unseen_bytes += size_bytes;
  if (unseen_bytes < UNSEEN_MAX_BYTES || performance.now() < restsUntil) return;
  unseen_bytes = 0;
  Bun.gc(true);
  if (process.memoryUsage().heapUsed > FULL_BYTES) restsUntil = performance.now() + REST_MS;
}
