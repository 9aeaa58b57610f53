/**
 * The base64 of a JSON string, decoded as its bytes come: strict, so that a text that was cut short or altered is
 * refused and not read as something shorter. Holds no more than a piece of it.
 * @module
 */

const QUOTE = 0x22;
const ESCAPE = 0x5c;

/** What is wrong with the text, for whoever knows what it is called. */
export class Base64Fault extends Error {
  override readonly name = 'Base64Fault';
}

export class Base64Decoder {
  /** Characters that do not make a group of four yet. */
  #left = '';
  #isPadded = false;
  /** The escape that is being read, as `\u00`; null while none is. */
  #escape: string | null = null;

  /**
   * The next bytes from `from` to the quote that ends the string, whose place is `end`; null: it is not in this chunk.
   */
  take(chunk: Uint8Array, from: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly end: number | null } {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const quote = buffer.indexOf(QUOTE, from);
    const stop = quote === -1 ? chunk.length : quote;
    let text = this.#left;
    for (let i = from; i < stop;) {
      if (this.#escape !== null) {
        text += this.#escaped(chunk[i]!);
        i += 1;
        continue;
      }
      const escape = buffer.indexOf(ESCAPE, i);
      const to = escape === -1 || escape > stop ? stop : escape;
      text += buffer.toString('latin1', i, to);
      if (to < stop) this.#escape = '';
      i = to + 1;
    }
    const usable = text.length - (text.length % 4);
    this.#left = text.slice(usable);
    if (quote !== -1) this.#end();
    return { bytes: this.#decode(text.slice(0, usable)), end: quote === -1 ? null : quote };
  }

  #end(): void {
    if (this.#left !== '') throw new Base64Fault('it is cut short');
    if (this.#escape !== null) throw new Base64Fault('it has characters that are none of base64');
  }

  /** Base64 has one character that some escape, and any may be written as its number. */
  #escaped(byte: number): string {
    const escape = this.#escape! + String.fromCharCode(byte);
    this.#escape = null;
    if (escape === '/') return '/';
    if (/^u[0-9a-fA-F]{4}$/.test(escape)) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    if (!/^u[0-9a-fA-F]{0,3}$/.test(escape)) throw new Base64Fault('it has characters that are none of base64');
    this.#escape = escape;
    return '';
  }

  #decode(text: string): Uint8Array<ArrayBuffer> {
    if (text === '') return new Uint8Array(0);
    if (this.#isPadded) throw new Base64Fault('it goes on behind its end');
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    this.#isPadded = padding > 0;
    const bytes = fromBase64(text);
    // The engine skips blanks, which nobody sends who means well.
    if (bytes.length !== (text.length / 4) * 3 - padding) throw new Base64Fault('it has blanks in it');
    return bytes;
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    throw new Base64Fault('it has characters that are none of base64, or ends in bits that belong to nothing');
  }
}
