/**
 * The bytes that are hashed, and nothing else (frozen: stored in every journal; a new form gets a new format byte).
 *
 *     content = SHA-256(salt[16] || body)
 *     header  = format u8 = 1 | seq u64 | revision u64 | at u64 | content[32]
 *             | stream | type | actor | reason           each: length u32, then that many UTF-8 bytes
 *     hash    = SHA-256(prev_hash[32] || length of header u32 || header)
 *
 * All integers little-endian. The first entry's prev_hash is 32 zero bytes. The salt keeps a guessed body from being
 * confirmed by its content hash after the body was erased. `tests/fixtures/chain-vectors.json` holds vectors.
 * @module
 */

const HASH_BYTES = 32;
export const SALT_BYTES = 16;
/** What the first entry follows. */
export const GENESIS_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

const HEADER_FORMAT = 1;
const FIXED_BYTES = 1 + 3 * 8 + HASH_BYTES;
const encoder = new TextEncoder();

/** An entry's header fields; texts as the exact bytes that are stored. */
export interface HeaderFields {
  readonly seq: number;
  readonly revision: number;
  readonly at: number;
  readonly stream: Uint8Array;
  readonly type: Uint8Array;
  readonly actor: Uint8Array;
  readonly reason: Uint8Array;
}

export function contentHash(salt: Uint8Array, body: Uint8Array): Uint8Array {
  return sha256(concat([salt, body]));
}

export function entryHash(prevHash: Uint8Array, fields: HeaderFields, content: Uint8Array): Uint8Array {
  return sha256(encodeLink(prevHash, fields, content));
}

/** The bytes under an entry's hash: `prev_hash || length || header`. */
export function encodeLink(prevHash: Uint8Array, fields: HeaderFields, content: Uint8Array): Uint8Array {
  const texts = [fields.stream, fields.type, fields.actor, fields.reason];
  const header_size = FIXED_BYTES + texts.reduce((size, text) => size + 4 + text.length, 0);
  const bytes = new Uint8Array(HASH_BYTES + 4 + header_size);
  const view = new DataView(bytes.buffer);
  bytes.set(prevHash, 0);
  view.setUint32(HASH_BYTES, header_size, true);
  let offset = HASH_BYTES + 4;
  bytes[offset] = HEADER_FORMAT;
  offset += 1;
  for (const integer of [fields.seq, fields.revision, fields.at]) {
    view.setBigUint64(offset, BigInt(integer), true);
    offset += 8;
  }
  bytes.set(content, offset);
  offset += HASH_BYTES;
  for (const text of texts) {
    view.setUint32(offset, text.length, true);
    bytes.set(text, offset + 4);
    offset += 4 + text.length;
  }
  return bytes;
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Bun.SHA256().update(bytes as Uint8Array<ArrayBuffer>).digest() as Uint8Array;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
