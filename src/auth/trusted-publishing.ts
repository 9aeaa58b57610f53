/**
 * From the identity token of a workflow to a token that publishes one package: if the package names the workflow as a
 * trusted publisher. A package that is not there yet names nobody. Each identity token is taken once for a package.
 *
 * Who shows a token that proves nothing learns nothing of packages: that one is unknown, trusts nobody or somebody else
 * is one answer. Whoever is vouched for hears which of his claims is another, but not which would do.
 * @module
 */
import { createHash } from 'node:crypto';
import { matchesPattern } from '../config/pattern.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { SideStore } from '../journal/side-store.ts';
import type { Claims, IdTokens } from './id-tokens.ts';
import { KEYRING } from './keyring.ts';
import type { TrustedWorkflow } from './rights.ts';
import { makeTrustedToken, type TrustedToken } from './trusted-tokens.ts';

/** Of a package: who may publish it without a user's token. */
export interface Publisher {
  readonly id: string;
  readonly issuer: string;
  /** What the token must say; `*` stands for any run of characters. */
  readonly claims: Readonly<Record<string, string>>;
}

export interface TrustedPublishingOptions {
  readonly idTokens: Pick<IdTokens, 'parse' | 'verify'>;
  /** Empty for a package that is not there. */
  readonly publishersOf: (name: string) => Promise<readonly Publisher[]>;
  /** Durable. */
  readonly keyring: SideStore;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

const ACTOR_LENGTH_MAX = 200;
/** A clock of ours that runs behind the issuer's must not make a used token good again. */
const TAKEN_LEEWAY_ms = 60_000;

export class TrustedPublishing {
  readonly #options: TrustedPublishingOptions;

  constructor(options: TrustedPublishingOptions) {
    this.#options = options;
  }

  /**
   * A token for the package. Errors: ERR_UNAUTHENTICATED for a token that is none, is over, or was taken before;
   * ERR_NOT_FOUND where nobody whom the package trusts has signed it; ERR_FORBIDDEN for another workflow; ERR_UPSTREAM.
   */
  async exchange(name: string, idToken: string): Promise<TrustedToken> {
    const { idTokens, publishersOf, keyring, clock = Date.now } = this.#options;
    const claimed = idTokens.parse(idToken);
    const publishers = (await publishersOf(name)).filter(({ issuer }) => issuer === claimed.issuer);
    if (publishers.length === 0) throw untrusted(name, claimed.issuer);
    const claims = await idTokens.verify(claimed).catch((error: unknown) => {
      throw isConfigError(error) && error.code === 'ERR_UNAUTHENTICATED'
        ? untrusted(name, claimed.issuer, error)
        : error;
    });
    const differences = publishers.map((publisher) => difference(publisher, claims));
    const publisher = publishers[differences.indexOf(null)];
    if (publisher === undefined) throw otherWorkflow(name, differences[0]!);
    const expiresAt = claims.exp * 1000 + TAKEN_LEEWAY_ms;
    if (!keyring.add(KEYRING.takenIdToken, keyOf(name, idToken, claims), '', expiresAt)) throw taken(name);
    const who = { package: name, actor: actorOf(claims), trusted: workflowOf(publisher, claims) };
    return makeTrustedToken(keyring, who, clock());
  }
}

function workflowOf({ id, issuer, claims: wanted }: Publisher, claims: Claims): TrustedWorkflow {
  return {
    id,
    issuer,
    claims: Object.fromEntries(Object.keys(wanted).map((claim) => [claim, textOf(claims[claim])!])),
  };
}

/** The first claim that is not as the publisher wants it; null: it is him. One who wants nothing would be everybody. */
function difference({ claims: wanted }: Publisher, claims: Claims): string | null {
  const entries = Object.entries(wanted);
  if (entries.length === 0) return 'the publisher names no claims';
  for (const [claim, pattern] of entries) {
    const found = textOf(claims[claim]);
    if (found === null) return `the token has no claim ${claim}`;
    if (!matchesPattern(pattern, found)) {
      return `its claim ${claim} is ${JSON.stringify(found.slice(0, 200))}, and another is wanted`;
    }
  }
  return null;
}

/** Providers write numbers and truth as text or plainly; lists and objects match nothing. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** One use for a package: where several are published by one job, some providers give it one token. */
function keyOf(name: string, idToken: string, { iss, jti }: Claims): string {
  const [header, payload] = idToken.split('.');
  // Not the signature: of some kinds, there is a second one for the same words.
  const which = typeof jti === 'string' ? ['jti', jti] : ['words', header, payload];
  return createHash('sha256')
    .update(JSON.stringify([name, iss, ...which]))
    .digest('hex');
}

/** `trusted:acme/ui@refs/heads/main`: as the journal names him. */
function actorOf(claims: Claims): string {
  const first = (...names: readonly string[]): string | null =>
    names.map((claim) => textOf(claims[claim])).find((text) => text !== null && text !== '') ?? null;
  const where = first('repository', 'project_path', 'oidc.circleci.com/project-id', 'sub') ?? 'workflow';
  const at = first('workflow_ref', 'ci_config_ref_uri')?.split('@').at(-1) ?? first('ref_path', 'ref');
  const text = at === null ? where : `${where}@${at}`;
  return `trusted:${text.replace(/[^\x21-\x7e]/g, '_').slice(0, ACTOR_LENGTH_MAX)}`;
}

function untrusted(name: string, issuer: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `No package ${name} here trusts this token of ${issuer.slice(0, 200)}`,
    hint: 'Publish it once with a token of a user, and name the workflow in its settings as trusted publisher.',
    details: { what: `trusted publisher of ${name}` },
    cause,
  });
}

function otherWorkflow(name: string, why: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `This workflow is no trusted publisher of ${name}: ${why}`,
    hint: 'Correct the trusted publisher in the settings of the package, or the workflow.',
    details: { rule: 'trusted-publisher' },
  });
}

function taken(name: string): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: `The identity token was taken for ${name} before`,
    hint: 'Let the workflow ask its provider for a new one.',
    details: { why: 'id-token' },
  });
}
