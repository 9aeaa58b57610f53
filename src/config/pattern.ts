/** Patterns of names as people write them: `*` stands for any run of characters, everything else for itself. @module */

/**
 * Linear in both, whatever the pattern.
 * @example matchesPattern('checkout/*', 'checkout/production') // true
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern.split('*') as [string, ...string[]];
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
