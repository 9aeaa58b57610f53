/**
 * What an API token looks like: `c13_<id>_<secret>_<crc>`. The id is public (16 hex digits); the secret is 256 random
 * bits in base64url (43 characters); the CRC-32 of all before it (8 hex digits) tells a slip of the pen from an attempt
 * without looking anything up, and lets scanners for leaked secrets find real ones only. Knows of no user.
 * @module
 */

const TOKEN = /^(c13_([0-9a-f]{16})_([A-Za-z0-9_-]{43}))_([0-9a-f]{8})$/;
const ID_BYTES = 8;
const SECRET_BYTES = 32;

export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

/** Public, and never the same twice. */
export function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(ID_BYTES)).toHex();
}

/** 256 bits in base64url. */
export function randomSecret(): string {
  const options = { alphabet: 'base64url', omitPadding: true } as const;
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(options);
}

/** SHA-256 of the secret's text. Enough for 256 random bits: there is nothing to be guessed slowly. */
export function hashOfSecret(secret: string): string {
  return new Bun.CryptoHasher('sha256').update(secret).digest('hex');
}

export function tokenText({ id, secret }: TokenText): string {
  const text = `c13_${id}_${secret}`;
  return `${text}_${checksum(text)}`;
}

/** null for what is no token's text. */
export function parseTokenText(text: string): TokenText | null {
  const [, whole, id, secret, crc] = TOKEN.exec(text) ?? [];
  return whole === undefined || checksum(whole) !== crc ? null : { id: id!, secret: secret! };
}

function checksum(text: string): string {
  return Bun.hash.crc32(text).toString(16).padStart(8, '0');
}
