/** Names that mean something to the language itself, so that nobody may give them to a thing of his own. @module */

const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether no flag, variant or attribute can be called so. */
export function isReservedKey(key: string): boolean {
  return RESERVED.has(key);
}
