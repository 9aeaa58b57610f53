/** The few patterns of text that a condition can ask for. @module */
import { type Logic, UNKNOWN } from './logic.ts';

/** What a regular expression without anything special in it asks of a text; else UNKNOWN. */
export function plainPattern(text: Logic, pattern: string, ignoresCase = false): Logic {
  const [, start, plain = '', end] = /^(\^?)([^\\^$.|?*+()[\]{}]*)(\$?)$/.exec(pattern) ?? [];
  if (plain === '' || (ignoresCase && hasCase(plain))) return UNKNOWN;
  if (start === '^') return end === '$' ? { '===': [text, plain] } : { starts_with: [text, plain] };
  return end === '$' ? { ends_with: [text, plain] } : { in: [plain, text] };
}

export function hasCase(text: string): boolean {
  return text.toLowerCase() !== text.toUpperCase();
}
