/**
 * The parts of a package's name, and the shape without which it is none. Needs nothing: what keeps the tables of
 * packages is loaded by every program that opens a journal.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

/** What this server answers at these addresses is its own: a package called so could not be reached. */
export const RESERVED: ReadonlySet<string> = new Set([
  'api',
  'docs',
  'favicon.ico',
  'health',
  'login',
  'logout',
  'metrics',
  'ofrep',
  'openapi.json',
  'openapi.yaml',
  'robots.txt',
  'setup',
]);

/** Characters; npm's bound for names of today. */
const NAME_LENGTH_MAX = 214;
/** Left and right of the slash. What a path or an address of ours could mean is none: `..`, `-`. */
const PARTS = /^(?:@(?!\.|-\/)[^/@]+\/)?(?!\.|-$)[^/@]+$/;

/**
 * Throws ERR_PACKAGE_NAME for what can be no name whatever the rules: none passes that a path or an address would take
 * for something else.
 */
export function checkShape(text: string): void {
  if (text.length > NAME_LENGTH_MAX) throw badName(text, `it has more than ${NAME_LENGTH_MAX} characters`);
  if (!text.isWellFormed()) throw badName(text, 'it is not well-formed text');
  if (!PARTS.test(text)) throw badName(text, 'it is neither name nor @scope/name');
}

/** `@acme` of `@acme/ui`; null for a name without one. */
export function scopeOf(name: string): string | null {
  return name.startsWith('@') ? name.slice(0, name.indexOf('/')) : null;
}

/** `ui` of `@acme/ui`. */
export function unscopedOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

export function badName(text: string, fault: string): ConfigError<'ERR_PACKAGE_NAME'> {
  const name = text.slice(0, 80);
  return new ConfigError('ERR_PACKAGE_NAME', {
    message: `Invalid package name ${JSON.stringify(name)}: ${fault}`,
    hint: "Use 'name' or '@scope/name': lower-case letters, digits, '.', '_' and '-', up to 214 characters.",
    details: { name, fault },
  });
}
