/**
 * Where the parts of a document lie in its bytes, so that one version is answered without making objects of all of
 * them. For JSON of our own making alone: it has no blanks between its parts, and no key twice.
 * @module
 */

/** From the first byte to the one after the last. */
export type Place = readonly [from: number, to: number];

export interface Parts {
  readonly tags: Place | undefined;
  readonly versions: ReadonlyMap<string, Place>;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** @example partsOf(bytes).versions.get('1.0.0') // [120, 480] */
export function partsOf(bytes: Uint8Array): Parts {
  const members = membersOf(bytes, 0);
  const versions = members.get('versions');
  return {
    tags: members.get('dist-tags'),
    versions: versions === undefined ? new Map() : membersOf(bytes, versions[0]),
  };
}

/** The values of the object that begins at `start`, by key. */
function membersOf(bytes: Uint8Array, start: number): Map<string, Place> {
  const members = new Map<string, Place>();
  const decoder = new TextDecoder();
  for (let at = start + 1; bytes[at] === QUOTE;) {
    const from = endOfString(bytes, at) + 1;
    const to = endOfValue(bytes, from);
    members.set(JSON.parse(decoder.decode(bytes.subarray(at, from - 1))) as string, [from, to]);
    at = bytes[to] === COMMA ? to + 1 : to;
  }
  return members;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = endOfString(bytes, at) - 1;
    else if (byte === OPEN || byte === OPEN_LIST) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE || byte === CLOSE_LIST)) return at;
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--;
  }
  return bytes.length;
}

function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start; ;) {
    at = bytes.indexOf(QUOTE, at + 1);
    if (at < 0) return bytes.length;
    let before = at;
    while (bytes[before - 1] === BACKSLASH) before--;
    if ((at - before) % 2 === 0) return at + 1;
  }
}
