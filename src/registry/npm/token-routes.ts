/**
 * `npm token list`, `create` and `revoke`: the API tokens of whoever asks, in npm's words. A token that was limited to
 * some packages sees and ends itself alone; whoever makes one says his password.
 * @module
 */
import { z } from 'zod';
import { parseTokenText } from '../../auth/token-text.ts';
import type { Grant, Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { packageStream } from '../../packages/package.ts';
import type { RegistryContext } from '../context.ts';
import type { TokenView } from '../identity-operations.ts';
import { badRequest, parseOpenBody } from '../parse.ts';
import { route, type Route } from '../route.ts';
import { fromOf, type AccountServices } from './account-routes.ts';
import { endToken } from './accounts.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const PATH = '/-/npm/v1/tokens';
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Shorter beginnings of an id name too many. */
const KEY = /^[0-9a-f]{6,16}$/;
const NAMES = z.array(z.string()).nullable().optional();
const FIELDS = {
  password: z.string(),
  name: z.string().optional(),
  readonly: z.boolean().optional(),
  cidr_whitelist: NAMES,
  packages: NAMES,
  scopes: NAMES,
  packages_all: z.boolean().optional(),
  packages_and_scopes_permission: z.enum(['read-only', 'read-write', 'no-access', 'read-write-stage-only']).optional(),
  expires: z.int().positive().nullable().optional().meta({ expected: 'days', description: 'Days. Default: 90.' }),
};
const TOKEN = z.object({
  token: z.string(),
  key: z.string(),
  name: z.string(),
  readonly: z.boolean(),
  cidr_whitelist: z.array(z.string()).nullable(),
  created: z.string(),
  updated: z.string(),
  expires: z.string(),
});
const LIST = z.object({ objects: z.array(TOKEN), total: z.int(), urls: z.object({ next: z.string().optional() }) });

export function npmTokenRoutes(services: AccountServices): readonly Route[] {
  return [listRoute(services), createRoute(services), deleteRoute(services)];
}

function listRoute(services: AccountServices): Route {
  return route({
    method: 'get',
    path: PATH,
    tag: PACKAGE_TAG,
    summary: 'Your tokens, as npm lists them',
    access: 'signed-in',
    takesAnyQuery: true,
    answers: { 200: { description: 'A page', schema: LIST } },
    handle: async ({ c, principal }) => {
      const [page, perPage] = [wholeOf(c, 'page', 0), Math.max(1, wholeOf(c, 'perPage', PAGE_DEFAULT))];
      const tokens = await seenBy(services, principal);
      const next = (page + 1) * perPage < tokens.length ? { next: `${PATH}?page=${page + 1}&perPage=${perPage}` } : {};
      const objects = tokens.slice(page * perPage, (page + 1) * perPage).map((token) => shown(token, beginning(token)));
      return c.json({ objects, total: tokens.length, urls: next });
    },
  });
}

function createRoute({ identity }: AccountServices): Route {
  const { operations, signIns } = identity;
  return route({
    method: 'post',
    path: PATH,
    tag: PACKAGE_TAG,
    asksCode: 'itself',
    summary: 'Make a token, as npm does',
    access: 'signed-in',
    isSecret: true,
    takesAnyQuery: true,
    readsBody: FIELDS,
    answers: { 201: { description: 'The token, seen here and never again', schema: TOKEN } },
    errors: ['ERR_UNAUTHENTICATED', 'ERR_OTP', 'ERR_CONTENT_TYPE', 'ERR_OUT_OF_RANGE', 'ERR_RATE_LIMITED', 'ERR_BUSY'],
    handle: async ({ c, principal }) => {
      const user = userOf(principal);
      const { known, rest } = await parseOpenBody(c, FIELDS);
      requireKnown(rest);
      const { address, shown: code } = fromOf(c, identity);
      await signIns.confirmed(user, known.password, address, code);
      const { name = 'npm', cidr_whitelist: cidrs = null, expires } = known;
      const permission = known.packages_and_scopes_permission;
      const readOnly = known.readonly === true || permission === 'read-only';
      const expiresAt = expires == null ? undefined : Date.now() + expires * DAY_MS;
      const fields = {
        user,
        name,
        scope: scopeOf(known),
        readOnly,
        cidrs: cidrs?.length === 0 ? null : cidrs,
        expiresAt,
      };
      const made = await operations.createToken(fields, { actor: principal.actor, reason: 'npm token create' });
      c.header('cache-control', 'no-store');
      return c.json(shown(made, made.secret), 201);
    },
  });
}

function deleteRoute(services: AccountServices): Route {
  return route({
    method: 'delete',
    path: `${PATH}/token/:key`,
    tag: PACKAGE_TAG,
    asksCode: true,
    summary: 'Revoke a token, as npm does',
    description: 'By its id or the beginning of it, or by the whole token.',
    access: 'signed-in',
    isSecret: true,
    takesAnyQuery: true,
    params: { key: z.string().meta({ example: '0123456789abcdef' }) },
    answers: { 200: { description: 'It is worth nothing any more', schema: z.object({ ok: z.literal(true) }) } },
    errors: ['ERR_NOT_FOUND', 'ERR_BAD_REQUEST'],
    handle: async ({ c, principal, params: { key } }) => {
      const wanted = parseTokenText(key)?.id ?? key.replace(/^c13_/, '');
      const found = KEY.test(wanted) ? await seenBy(services, principal) : [];
      const [token, another] = found.filter(({ id }) => id.startsWith(wanted));
      if (token === undefined) throw noSuchToken();
      if (another !== undefined) throw badRequest('key', 'Several of your tokens begin so', 'Give more of its id.');
      if (principal.readOnly && token.id !== principal.tokenId) throw onlyItself(principal);
      const write = { actor: principal.actor, reason: 'npm token revoke' };
      await endToken(services.identity.operations, token.id, write);
      return c.json({ ok: true });
    },
  });
}

/** The newest first. */
async function seenBy({ identity: { operations } }: AccountServices, principal: Principal): Promise<TokenView[]> {
  const { tokenId, scope, user } = principal;
  if (user === null) return [];
  const { items } = await operations.tokens({ user, limit: PAGE_MAX });
  const isSeen = ({ id }: TokenView): boolean => scope === null || id === tokenId;
  return items.filter(isSeen).toSorted((a, b) => b.createdAt - a.createdAt);
}

function shown({ id, name, readOnly, cidrs, createdAt, modifiedAt, expiresAt }: TokenView, token: string) {
  return {
    token,
    key: id,
    name,
    readonly: readOnly,
    cidr_whitelist: cidrs === null ? null : [...cidrs],
    created: new Date(createdAt).toISOString(),
    updated: new Date(modifiedAt).toISOString(),
    expires: new Date(expiresAt).toISOString(),
  };
}

/** What npm shows of it, and takes for it. */
function beginning({ id }: TokenView): string {
  return `c13_${id.slice(0, 6)}`;
}

/** Of packages and scopes that were named; null: all that the user may. */
function scopeOf({
  packages,
  scopes,
  packages_and_scopes_permission: permission,
  packages_all,
}: Limits): Grant[] | null {
  if (permission === 'no-access') throw wrongPermission(permission);
  if (permission === 'read-write-stage-only') throw wrongPermission(permission);
  const names = [...(packages ?? []), ...(scopes ?? []).map((scope) => `@${scope.replace(/^@/, '')}/*`)];
  if (packages_all === true) names.push('*');
  if (names.length === 0) return null;
  const role = permission === 'read-only' ? 'viewer' : 'maintainer';
  return names.map((name) => ({ role, pattern: packageStream(name), sections: null }));
}

type Limits = Partial<z.infer<z.ZodObject<typeof FIELDS>>>;

/** What would make a token less than it becomes must not be passed over. */
function requireKnown(rest: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(rest)) {
    const isNothing = value == null || value === false || (Array.isArray(value) && value.length === 0);
    if (isNothing || field === 'description') continue;
    throw badRequest(field.slice(0, 80), `Tokens here know no ${JSON.stringify(field.slice(0, 80))}`, 'Leave it out.');
  }
}

/** Throws ERR_FORBIDDEN for whoever is no user. */
function userOf({ user, actor }: Principal): string {
  if (user !== null) return user;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} is no user whose token it could be`,
    hint: 'Make the first user with: npm adduser.',
    details: { rule: 'rights' },
  });
}

/** A whole number of the query; what is none counts as left out. */
function wholeOf(c: RegistryContext, parameter: string, otherwise: number): number {
  const text = c.req.query(parameter) ?? '';
  return /^\d{1,4}$/.test(text) ? Math.min(Number(text), PAGE_MAX) : otherwise;
}

function wrongPermission(found: string): ConfigError {
  return badRequest(
    'packages_and_scopes_permission',
    `Tokens here know no permission ${JSON.stringify(found)}`,
    'Use read-only or read-write.',
  );
}

/** Without what was asked for: it may be a token. */
function noSuchToken(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: 'None of your tokens has this id',
    hint: 'List them: npm token list.',
    details: { what: 'token' },
  });
}

function onlyItself({ actor }: Principal): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} can only read, so it ends no token but itself`,
    hint: 'Use another one.',
    details: { rule: 'rights' },
  });
}
