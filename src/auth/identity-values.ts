/**
 * What users, grants and tokens are, as the journal keeps them, and the border they come in through: from a request and
 * from the journal alike. Stored values are JSON (frozen): a field may be added, none changes its meaning.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { networkOrNull } from './networks.ts';
import { ROLES, type Grant, type Role } from './rights.ts';

/** The key is the name. */
export interface User {
  /** ASCII letters in lower case. */
  readonly email: string | null;
  readonly displayName: string | null;
  readonly isDisabled: boolean;
  /** Who this is at the OpenID Connect provider: `<issuer> <subject>`. */
  readonly oidcSubject: string | null;
  /** Rises when every sign-in of the user must end. A sign-in carries the one it was made with. */
  readonly epoch: number;
}

/** A grant and who has it. The key is random. */
export interface HeldGrant extends Grant {
  /** A user, or `anonymous`: everybody. */
  readonly user: string;
}

/** The key is the id in the token's text. */
export interface Token {
  readonly user: string;
  readonly name: string;
  /** SHA-256 of the secret, 64 hex digits. */
  readonly hash: string;
  readonly scope: readonly Grant[] | null;
  readonly readOnly: boolean;
  /** Meant to be seen by anybody: for web pages and apps. It reads what is visible to clients, and nothing else. */
  readonly isBrowser?: boolean;
  /** A client of packages got it by signing a person in: where the user wants to be asked for codes, it is asked. */
  readonly isSignIn?: boolean;
  /** The networks that it is taken from; null or left out: any. */
  readonly cidrs?: readonly string[] | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly createdAt: number;
}

/** Who holds what everybody may do. No user has this name. */
export const EVERYBODY = 'anonymous';

/** Of a token's scope. */
const MAX_SCOPE = 100;
const MAX_SECTIONS = 50;
const MAX_CIDRS = 50;
const MAX_PATTERN = 256;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Names that would be taken for somebody else in the journal. */
const RESERVED = new Set([EVERYBODY, 'owner', 'nobody', 'loopback', 'system', 'registry']);
const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** As a mail server would take it, roughly: whether it is somebody's is for the mail to show. */
const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u;
const PRINTABLE = /^[^\p{C}]{1,100}$/u;
const OIDC_SUBJECT = /^https?:\/\/[\x21-\x7e]{1,255} [\x20-\x7e]{1,255}$/;
const SECTION = /^(\*|feature:[a-z0-9_*]{1,64}|terminal|version|registryHash|[a-z][A-Za-z]{0,31})$/;
const HASH = /^[0-9a-f]{64}$/;

/** Throws ERR_NAME: 1-64 of `a-z 0-9 . _ -`, beginning with a letter or digit, and none that is reserved. */
export function parseUserName(value: unknown): string {
  if (typeof value === 'string' && NAME.test(value) && !RESERVED.has(value)) return value;
  throw new ConfigError('ERR_NAME', {
    message: `A user cannot be called ${JSON.stringify(String(value).slice(0, 80))}`,
    hint: `Use 1 to 64 of a-z 0-9 . _ -, and none of ${[...RESERVED].join(', ')}.`,
    details: { name: String(value).slice(0, 80) },
  });
}

/** Throws ERR_WRONG_TYPE naming the field. */
export function parseUser(value: unknown): User {
  const { email, displayName, isDisabled, oidcSubject, epoch } = record(value);
  return {
    email: nullable(email, parseEmail),
    displayName: nullable(displayName, (text) =>
      matching('displayName', text, PRINTABLE, '1 to 100 printable characters'),
    ),
    isDisabled: boolean('isDisabled', isDisabled),
    oidcSubject: nullable(oidcSubject, (text) => matching('oidcSubject', text, OIDC_SUBJECT, '"<issuer> <subject>"')),
    epoch: wholeNumber('epoch', epoch),
  };
}

/** Throws ERR_WRONG_TYPE naming the field. */
function parseGrant(value: unknown): Grant {
  const { role, pattern, sections, needsApproval = false } = record(value);
  if (!ROLES.includes(role as Role)) throw wrong('role', `one of ${ROLES.join(', ')}`, role);
  return {
    role: role as Role,
    pattern: parsePattern(pattern),
    sections: nullable(sections, parseSections),
    ...(boolean('needsApproval', needsApproval) ? { needsApproval: true } : {}),
  };
}

/** Throws ERR_WRONG_TYPE naming the field. That `anonymous` is a viewer only is a rule of grants. */
export function parseHeldGrant(value: unknown): HeldGrant {
  const { user } = record(value);
  return { user: user === EVERYBODY ? EVERYBODY : parseUserName(user), ...parseGrant(value) };
}

/** Throws ERR_WRONG_TYPE naming the field. */
export function parseToken(value: unknown): Token {
  const { user, name, hash, scope, readOnly, isBrowser = false, isSignIn = false } = record(value);
  const { cidrs = null, expiresAt, createdAt } = record(value);
  return {
    user: parseUserName(user),
    name: matching('name', name, TOKEN_NAME, '1 to 64 of A-Z a-z 0-9 . _ -'),
    hash: matching('hash', hash, HASH, '64 hex digits'),
    scope: nullable(scope, (grants) => list('scope', grants, MAX_SCOPE).map(parseGrant)),
    ...(boolean('isBrowser', isBrowser) ? { isBrowser: true } : {}),
    ...(boolean('isSignIn', isSignIn) ? { isSignIn: true } : {}),
    ...(cidrs === null ? {} : { cidrs: list('cidrs', cidrs, MAX_CIDRS).map(parseNetwork) }),
    readOnly: boolean('readOnly', readOnly),
    expiresAt: wholeNumber('expiresAt', expiresAt),
    createdAt: wholeNumber('createdAt', createdAt),
  };
}

/** ASCII letters alone: in Unicode, letters of other alphabets fold to these, and another address would be this one. */
function parseEmail(value: unknown): string {
  const text = matching('email', value, EMAIL, 'an address such as ann@example.com');
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function parsePattern(value: unknown): string {
  const what = `a pattern of streams such as config:checkout/* (at most ${MAX_PATTERN} printable characters, no **)`;
  const text = matching('pattern', value, /^[^\s\p{C}]+$/u, what);
  if (text.length > MAX_PATTERN || text.includes('**')) throw wrong('pattern', what, value);
  return text;
}

function parseNetwork(value: unknown): string {
  const network = networkOrNull(value);
  if (network === null) throw wrong('cidrs', 'networks such as 10.0.0.0/8 or 2001:db8::/32', value);
  return network;
}

function parseSections(value: unknown): string[] {
  return list('sections', value, MAX_SECTIONS).map((section) =>
    matching('sections', section, SECTION, 'sections such as feature:new_*, terminal, version or registryHash'),
  );
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong('value', 'an object', value);
}

function nullable<T>(value: unknown, parse: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : parse(value);
}

function matching(field: string, value: unknown, pattern: RegExp, expected: string): string {
  if (typeof value === 'string' && pattern.test(value) && value.isWellFormed()) return value;
  throw wrong(field, expected, value);
}

function boolean(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrong(field, 'true or false', value);
}

function wholeNumber(field: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw wrong(field, 'a whole number from 0', value);
}

function list(field: string, value: unknown, max: number): unknown[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= max) return value;
  throw wrong(field, `a list of 1 to ${max}`, value);
}

/** ERR_WRONG_TYPE of one field. */
export function wrong(field: string, expected: string, value: unknown): ConfigError {
  const found = (JSON.stringify(value) ?? String(value)).slice(0, 80);
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `${field} must be ${expected}; found ${found}`,
    hint: 'Correct the value; nothing was changed.',
    details: { field, expected, found },
  });
}
