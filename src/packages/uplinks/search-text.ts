/**
 * Which packages and scopes the text of a search names, however it is written: what is ours is searched for here alone.
 * Rather sees a name where none was meant than misses one. Pure.
 * @module
 */

/** Between names; an `@` begins one wherever it stands. */
const BETWEEN = /[^a-z0-9@/._~-]+|(?=@)/;
const SCOPE = /scope\s*:\s*["']?@?([^\s/"']+)/g;

/** What is in place of a package's name where a text names a scope alone: no package is called so. */
const ANY = '*';

/**
 * Names in lower case, whether there are such packages or not: `@scope/*` of a scope alone.
 * @example namesIn('ui scope:Acme') // ['ui', '@acme/*', ...]
 */
export function namesIn(text: string): readonly string[] {
  const lower = text.normalize('NFKC').toLowerCase();
  const scopes = lower.matchAll(SCOPE).map(([, scope = '']) => `@${scope}/${ANY}`);
  const found = new Set(scopes);
  for (const part of lower.split(BETWEEN)) for (const name of namesOfPart(part)) found.add(name);
  return [...found];
}

/** `acme/ui` is `@acme/ui` to whoever types it; `ui.` at the end of a sentence is `ui`. */
function namesOfPart(part: string): readonly string[] {
  const [first = '', second = ''] = part.split('/').map((word) => word.replace(/[._~-]+$/, ''));
  if (first.startsWith('@')) return first === '@' ? [] : [`${first}/${second || ANY}`];
  if (!part.includes('/')) return first === '' ? [] : [first];
  return [first, second, `@${first}/${second || ANY}`].filter((name) => name !== '' && !name.startsWith('@/'));
}
