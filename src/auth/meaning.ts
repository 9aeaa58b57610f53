/**
 * What a grant or token must say, beyond its shape, when it is made or changed: that it allows something, and for pages
 * not too much. What a journal has already is not asked, so that it stays readable.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { wrong, type Token } from './identity-values.ts';
import { KINDS, KINDS_OF_REQUESTS, type Grant, type Role } from './rights.ts';

/** Who may write what a change can be asked for of. */
const ROLES_THAT_PROPOSE: readonly Role[] = ['operator', 'admin'];

/**
 * That a grant could allow something. Throws ERR_WRONG_TYPE, for a pattern with the one that may be meant.
 * @example requireMeaning({ role: 'viewer', pattern: 'confg:*', sections: null }); // Did you mean 'config:*'?
 */
export function requireMeaning({ role, pattern, needsApproval = false }: Grant): void {
  requireKnownKind(pattern);
  if (needsApproval && !ROLES_THAT_PROPOSE.includes(role)) {
    throw wrong('needsApproval', `false for a ${role}, who writes nothing that could be approved`, true);
  }
  const kind = pattern.split(':', 1)[0]!;
  if (needsApproval && pattern !== '*' && !KINDS_OF_REQUESTS.includes(kind)) throw notAskedFor(kind);
}

/**
 * That what anybody can find in a page only reads, and names the configs that it is for. Throws ERR_WRONG_TYPE naming
 * the field.
 */
export function requireHarmless({ isBrowser = false, readOnly, scope }: Token): void {
  if (!isBrowser) return;
  if (!readOnly) throw wrong('readOnly', 'true for a browser token', readOnly);
  const isHarmless = scope?.every(({ role, pattern }) => role === 'viewer' && pattern.startsWith('config:')) ?? false;
  if (!isHarmless) throw wrong('scope', "of 'viewer' over configs (config:shop/*) for a browser token", scope);
}

function notAskedFor(kind: string): ConfigError {
  const kinds = KINDS_OF_REQUESTS.map((one) => `${one}:`).join(' and ');
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `needsApproval must be false for ${kind}: streams: no change of them can be asked for and approved`,
    hint: `Approvals are for ${kinds} streams; grant a viewer for reading, or an operator who needs none.`,
    details: { field: 'needsApproval', expected: 'false', found: 'true' },
  });
}

/** `*`, or a kind that there is and what of it. */
function requireKnownKind(pattern: string): void {
  const [kind = '', ...rest] = pattern.split(':');
  const key = rest.join(':');
  if (pattern === '*' || (KINDS.includes(kind) && key !== '')) return;
  const meant = rest.length === 0 ? null : nearest(kind, KINDS);
  const suggestion = KINDS.includes(kind)
    ? `${kind}:*`
    : meant === null
      ? `config:${pattern}`
      : `${meant}:${key || '*'}`;
  throw new ConfigError('ERR_WRONG_TYPE', {
    message: `The pattern ${JSON.stringify(pattern.slice(0, 80))} is of no stream there is: it would allow nothing`,
    hint: `Did you mean '${suggestion.slice(0, 80)}'? Give *, or a kind and what of it; kinds: ${KINDS.join(', ')}.`,
    details: { field: 'pattern', expected: '* or <kind>:<pattern>', found: pattern.slice(0, 80) },
  });
}
