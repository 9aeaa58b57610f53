/**
 * What the routes need to know about users, from an opened identity and the settings: one place in which cookies, the
 * slowing down of guesses and the provider are set up.
 * @module
 */
import { readFileSync } from 'node:fs';
import { OidcSignIn } from '../auth/oidc.ts';
import type { Settings } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import { CodeChecks } from './code-checks.ts';
import { FactorOperations } from './factor-operations.ts';
import { IdentityOperations } from './identity-operations.ts';
import type { OpenedIdentity } from './open-identity.ts';
import { OIDC_CALLBACK_PATH } from './pages/sign-in-page.ts';
import type { PageServices } from './pages/entering.ts';
import { SessionCookies } from './session-cookie.ts';
import { SignIns } from './sign-ins.ts';

export type IdentitySettings = Pick<Settings, 'publicUrl' | 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecretFile'>;

export interface IdentityServicesOptions {
  readonly identity: OpenedIdentity;
  readonly settings: IdentitySettings;
  readonly addressOf: PageServices['identity']['addressOf'];
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

/** Throws ERR_SETTING for a provider that is half set up. */
export function identityServices({
  identity,
  settings,
  addressOf,
  log,
}: IdentityServicesOptions): PageServices['identity'] {
  const { identities, users, grants, keys, setupLink, authenticator } = identity;
  const cookies = new SessionCookies(publicUrlOf(settings));
  const codes = new CodeChecks({ factor: identity.factor, cookies });
  return {
    identities,
    users,
    grants,
    keys,
    setupLink,
    authenticator,
    operations: new IdentityOperations(identity),
    signIns: new SignIns({ ...identity, codes, log }),
    codes,
    factors: new FactorOperations(identity),
    cookies,
    addressOf,
    oidc: oidcOf(settings, identity),
  };
}

/** null where the registry is reached where it listens. */
export function publicUrlOf({ publicUrl }: Pick<Settings, 'publicUrl'>): string | null {
  return publicUrl === '' ? null : publicUrl;
}

function oidcOf(settings: IdentitySettings, { keys }: OpenedIdentity): PageServices['identity']['oidc'] {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecretFile: file, publicUrl } = settings;
  if (issuer === '') return null;
  if (clientId === '') throw missing('C13_OIDC_CLIENT_ID', 'what the provider calls this registry');
  if (publicUrl === '') throw missing('C13_PUBLIC_URL', 'where the provider is to send browsers back to');
  const clientSecret = file === '' ? null : secretIn(file);
  const redirectUri = publicUrl + OIDC_CALLBACK_PATH;
  return { issuer, signIn: new OidcSignIn({ issuer, clientId, clientSecret, redirectUri }, keys.seal) };
}

function secretIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError('ERR_SETTING', {
      message: `The secret that C13_OIDC_CLIENT_SECRET_FILE names cannot be read: ${(cause as Error).message}`,
      hint: 'Name a file that this user can read, or leave it out for a public client.',
      details: { setting: 'C13_OIDC_CLIENT_SECRET_FILE', value: path },
      cause,
    });
  }
}

function missing(setting: string, what: string): ConfigError {
  return new ConfigError('ERR_SETTING', {
    message: `C13_OIDC_ISSUER is set, but ${setting} is not: ${what}`,
    hint: `Set ${setting}, or leave C13_OIDC_ISSUER out.`,
    details: { setting, value: '' },
  });
}
