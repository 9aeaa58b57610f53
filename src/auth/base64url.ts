/** Base64url as tokens are written: without padding, and one spelling for the same bytes. @module */

export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
}

/** null for what `toBase64url` would not write: padding, white space, bits set that nobody reads. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: 'base64url' });
    return toBase64url(bytes) === text ? bytes : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
