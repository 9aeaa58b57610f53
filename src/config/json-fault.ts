/**
 * What is wrong with a text that should be JSON: where it stops being JSON, or which key an object has twice. The
 * engine's own parser tells neither, and silently takes the last of two equal keys. One pass, no recursion: depth costs
 * no stack. A library would do, but those kept up are several times this size and recurse.
 * @module
 */

export type JsonFault =
  | { readonly kind: 'syntax'; readonly position: number }
  /** Deeper than `DEPTH_MAX`: whatever walks it would need as much stack. */
  | { readonly kind: 'deep'; readonly position: number }
  | { readonly kind: 'duplicate'; readonly position: number; readonly key: string };

/** Objects and lists within one another. */
export const DEPTH_MAX = 512;

/** What may come next; `first` allows the container to be empty. */
type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma';

const BLANK = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * The first fault, by position in UTF-16 units; null exactly for what `JSON.parse` takes, has no
 * key twice and is not too deep.
 * @example findJsonFault('{"a": 1, "a": 2}') // { kind: 'duplicate', position: 9, key: 'a' }
 */
export function findJsonFault(text: string): JsonFault | null {
  /** Of each open object its keys; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let expected: Expected = 'value';
  let position = endOf(BLANK, text, 0)!;
  while (position < text.length) {
    const character = text[position]!;
    const keys = open.at(-1);
    let end = position + 1;
    if (expected.endsWith('value') && (character === '{' || character === '[')) {
      if (open.length === DEPTH_MAX) return { kind: 'deep', position };
      open.push(character === '{' ? new Set() : null);
      expected = character === '{' ? 'first key' : 'first value';
    } else if (closes(character, keys, expected)) {
      open.pop();
      expected = 'comma';
    } else if (
      expected === 'colon' ? character === ':' : expected === 'comma' && character === ',' && open.length > 0
    ) {
      expected = expected === 'comma' && keys !== null ? 'key' : 'value';
    } else if (expected === 'colon' || expected === 'comma') {
      return { kind: 'syntax', position };
    } else {
      const isKey = expected.endsWith('key');
      const found = character === '"' ? endOfString(text, position) : isKey ? null : endOf(SCALAR, text, position);
      if (found === null) return { kind: 'syntax', position };
      end = found;
      const key = isKey ? (JSON.parse(text.slice(position, end)) as string) : '';
      if (isKey && keys!.has(key)) return { kind: 'duplicate', position, key };
      if (isKey) keys!.add(key);
      expected = isKey ? 'colon' : 'comma';
    }
    position = endOf(BLANK, text, end)!;
  }
  return expected === 'comma' && open.length === 0 ? null : { kind: 'syntax', position };
}

function closes(character: string, keys: Set<string> | null | undefined, expected: Expected): boolean {
  if (keys === undefined || character !== (keys === null ? ']' : '}')) return false;
  return expected === 'comma' || expected === (keys === null ? 'first value' : 'first key');
}

function endOf(pattern: RegExp, text: string, from: number): number | null {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function endOfString(text: string, start: number): number | null {
  for (let i = start + 1; i < text.length;) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i + 1;
    if (code < 0x20) return null;
    const next = code === 0x5c ? endOf(ESCAPE, text, i) : i + 1;
    if (next === null) return null;
    i = next;
  }
  return null;
}
