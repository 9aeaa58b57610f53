/**
 * Who may do what: roles, grants and the one function that decides. Deny by default; nothing here asks anybody, so that
 * the whole of it can be read on a page and walked by a test.
 *
 * A grant names a role and a pattern of streams (`config:checkout/*`); `*` stands for any run of characters. On configs
 * it may name sections besides: what of a config the role may touch.
 * @module
 */
import { matchesPattern } from '../config/pattern.ts';
import { ConfigError } from '../errors/errors.ts';

export const ROLES = ['viewer', 'operator', 'publisher', 'maintainer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * What a route asks for. `unpublish` takes versions of packages away. `administer` is for users, tokens of others,
 * grants, audit and the like, and for who maintains a package.
 */
export const ACTIONS = ['read', 'write', 'publish', 'unpublish', 'administer'] as const;
export type Action = (typeof ACTIONS)[number];

export interface Grant {
  readonly role: Role;
  /** Of streams: `*`, `config:checkout/*`, `package:@acme/*`. */
  readonly pattern: string;
  /** Of configs: `feature:new_*`, `terminal`, `version`, `registryHash`; null: all. */
  readonly sections: readonly string[] | null;
  /** It allows to read and to ask for changes, which somebody else approves; to do nothing by itself. */
  readonly needsApproval?: boolean;
}

/** A workflow that publishes without a user, as the package that trusts it knows it. */
export interface TrustedWorkflow {
  /** Of the package's trusted publisher. */
  readonly id: string;
  readonly issuer: string;
  /** What its identity token said, of what was asked for. */
  readonly claims: Readonly<Record<string, string>>;
}

/** Somebody who asks. */
export interface Principal {
  readonly kind: 'owner' | 'user' | 'token' | 'anonymous';
  /** Who signs: `ann`, `ann/ci` (a token of hers), `ann@loopback` (who runs the registry, while it knows no users). */
  readonly actor: string;
  /** The user, or null for the owner and for nobody. */
  readonly user: string | null;
  readonly grants: readonly Grant[];
  /** What a token was limited to when it was made; null: nothing but its user's grants. */
  readonly scope: readonly Grant[] | null;
  readonly readOnly: boolean;
  /** With a token that anybody can find in a web page: sees what is visible to clients, and nothing else. */
  readonly isBrowser?: boolean;
  /** The networks that its token is taken from, by whoever knows where a request comes from; left out: any. */
  readonly cidrs?: readonly string[];
  /** With a token that a client of packages got by signing a person in: see `Token.isSignIn`. */
  readonly isSignIn?: boolean;
  /** The trusted publisher that a workflow is: who vouches for it, and what its identity token said. */
  readonly trusted?: TrustedWorkflow;
  /** The token that was shown: several of one user may have one name. */
  readonly tokenId?: string;
}

/** Who said nothing of himself. */
export const ANONYMOUS: Principal = {
  kind: 'anonymous',
  actor: '',
  user: null,
  grants: [],
  scope: null,
  readOnly: true,
};

/** Whoever runs the registry, while it knows no users: everything. */
export function owner(actor: string): Principal {
  const grants = [{ role: 'admin', pattern: '*', sections: null }] as const;
  return { kind: 'owner', actor, user: null, grants, scope: null, readOnly: false };
}

const KINDS_OF_OPERATORS = ['config', 'features', 'template', 'rule', 'flag', 'flagset', 'document', 'segment'];
/** What a change can be asked for of, to be made once somebody else has approved it. */
export const KINDS_OF_REQUESTS: readonly string[] = ['config', 'flag'];
const KINDS_OF_PUBLISHERS = ['package'];
/** `premium:@acme/ui` is asked for besides the package, where some packages are for some people alone. */
const KINDS_OF_PACKAGES = [...KINDS_OF_PUBLISHERS, 'premium'];
const KINDS_OF_ADMINISTRATORS = [
  'user',
  'grant',
  'token',
  'keys',
  'audit',
  'backup',
  'webhook',
  'uplink',
  'package_filter',
];
/** All that is asked for: before the colon of a stream. */
export const KINDS: readonly string[] = [
  ...KINDS_OF_OPERATORS,
  ...KINDS_OF_PACKAGES,
  'status',
  ...KINDS_OF_ADMINISTRATORS,
];

/** What each role may do to which kinds of streams; null: to all. */
const MATRIX: Readonly<Record<Role, Readonly<Partial<Record<Action, readonly string[] | null>>>>> = {
  viewer: { read: [...KINDS_OF_OPERATORS, ...KINDS_OF_PACKAGES, 'status'] },
  operator: {
    read: [...KINDS_OF_OPERATORS, ...KINDS_OF_PACKAGES, 'status'],
    write: KINDS_OF_OPERATORS,
  },
  publisher: { read: [...KINDS_OF_PACKAGES, 'status'], publish: KINDS_OF_PUBLISHERS },
  maintainer: {
    read: [...KINDS_OF_PACKAGES, 'status'],
    publish: KINDS_OF_PUBLISHERS,
    unpublish: KINDS_OF_PUBLISHERS,
    administer: KINDS_OF_PUBLISHERS,
  },
  admin: { read: null, write: null, publish: null, unpublish: null, administer: null },
};

/**
 * Whether `principal` may do `action` to `stream`.
 * @example may(ann, 'write', 'config:checkout/production')
 */
export function may(principal: Principal, action: Action, stream: string): boolean {
  if (principal.readOnly && action !== 'read') return false;
  const { grants, scope } = principal;
  return (
    grants.some((grant) => allows(grant, action, stream)) &&
    (scope?.some((grant) => allows(grant, action, stream)) ?? true)
  );
}

/** Throws ERR_FORBIDDEN, ERR_APPROVAL_REQUIRED. */
export function requireRight(principal: Principal, action: Action, stream: string): void {
  if (may(principal, action, stream)) return;
  const isAskedFor = action === 'write' && KINDS_OF_REQUESTS.includes(kindOf(stream));
  if (isAskedFor && mayPropose(principal, stream, [])) throw approvalRequired(principal, stream);
  throw forbidden(principal, action, stream);
}

/**
 * Whether he may ask for a change of these sections of a stream, or approve somebody else's: he may write them, with an
 * approval or without.
 */
export function mayPropose(principal: Principal, stream: string, touched: readonly string[]): boolean {
  const direct = withoutApprovals(principal);
  if (!may(direct, 'write', stream)) return false;
  return forbiddenSections(direct, stream, touched).length === 0;
}

/** The same, as if nothing of what he has needed an approval. */
function withoutApprovals(principal: Principal): Principal {
  const { grants, scope } = principal;
  const direct = (grant: Grant): Grant => ({ ...grant, needsApproval: false });
  return { ...principal, grants: grants.map(direct), scope: scope?.map(direct) ?? null };
}

/**
 * Of the sections that a write would touch, those that the principal may not; empty: it may go on. A section is covered
 * when one of his grants covers it, and one of his token's scope too.
 */
export function forbiddenSections(principal: Principal, stream: string, touched: readonly string[]): readonly string[] {
  const { grants, scope } = principal;
  return touched.filter(
    (section) => !(covers(grants, stream, section) && (scope === null || covers(scope, stream, section))),
  );
}

function covers(grants: readonly Grant[], stream: string, section: string): boolean {
  return grants.some(
    (grant) =>
      allows(grant, 'write', stream) && (grant.sections?.some((pattern) => matchesPattern(pattern, section)) ?? true),
  );
}

function allows({ role, pattern, needsApproval = false }: Grant, action: Action, stream: string): boolean {
  if (needsApproval && action !== 'read') return false;
  const kinds = MATRIX[role][action];
  if (kinds === undefined) return false;
  return (kinds === null || kinds.includes(kindOf(stream))) && matchesPattern(pattern, stream);
}

/** `config` of `config:checkout/production`; a stream without a key is its own kind. */
function kindOf(stream: string): string {
  const end = stream.indexOf(':');
  return end < 0 ? stream : stream.slice(0, end);
}

export function approvalRequired({ actor }: Principal, stream: string): ConfigError {
  return new ConfigError('ERR_APPROVAL_REQUIRED', {
    message: `What ${actor} changes of ${stream} must be approved by somebody else first`,
    hint: 'Ask for the change (POST /api/v1/change-requests, `c13 requests create`); it is made once it is approved.',
    details: { stream },
  });
}

/** For whoever shows a token from elsewhere than from the networks that it is for. */
export function outsideNetworks({ actor }: Principal, address: string | null): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} is a token for some networks alone, and ${address ?? 'the request'} is in none of them`,
    hint: 'Use it from there, or make another token; behind a proxy, C13_TRUSTED_PROXIES must name the proxy.',
    details: { rule: 'network' },
  });
}

/** For whoever shows a token of web pages where none is taken. */
export function notForBrowsers({ actor }: Principal): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} is a browser token: it reads what is visible to clients, and nothing else`,
    hint: 'Use a token that no page holds; make one with: c13 tokens create.',
    details: { rule: 'browser' },
  });
}

function forbidden({ actor, readOnly }: Principal, action: Action, stream: string): ConfigError {
  const who = actor === '' ? 'nobody in particular' : actor;
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${who} may not ${action} ${stream}`,
    hint: readOnly ? 'This token can only read: use another one.' : 'Ask an administrator for a grant.',
    details: { rule: 'rights' },
  });
}
