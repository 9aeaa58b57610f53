/**
 * Who has published, as clients are shown it: the user behind an actor, and for a workflow that published without a
 * user, who vouched for it.
 * @module
 */
import type { TrustedPublisher } from './package.ts';

/** Of actors that are workflows: `trusted:acme/ui@refs/heads/main`. */
const TRUSTED = 'trusted:';
/** Issuers of identity tokens, as clients call them; any other goes by its host. */
const PROVIDERS: readonly (readonly [issuer: string, provider: string])[] = [
  ['https://token.actions.githubusercontent.com', 'github'],
  ['https://gitlab.com', 'gitlab'],
  ['https://oidc.circleci.com', 'circleci'],
];

/**
 * `ann` of `ann/ci`: a token publishes for its user. A workflow has none, and stays whole.
 * @example userOf('trusted:acme/ui@refs/heads/main') // 'trusted:acme/ui@refs/heads/main'
 */
export function userOf(actor: string): string {
  return actor.startsWith(TRUSTED) ? actor : actor.split('/', 1)[0]!;
}

/** As npm and pnpm read it in `_npmUser`. */
export function trustedPublisherOf({ id, issuer }: TrustedPublisher): object {
  const known = PROVIDERS.find(([provider]) => issuer === provider || issuer.startsWith(`${provider}/`));
  return { id: known?.[1] ?? hostOf(issuer), oidcConfigId: `oidc:${id}` };
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer;
}
