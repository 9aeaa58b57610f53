/**
 * Sign-in with an OpenID Connect provider: authorization code, PKCE (S256), state and nonce, with nothing kept here
 * between the two requests but a sealed cookie in the browser that began. Says who the provider says it is; which user
 * that is, and whether he is let in, is decided elsewhere (`oidc-identity.ts`).
 *
 * Of the answer are checked, by openid-client: `state`, `iss` of the redirect where it is sent or announced (RFC 9207),
 * that no parameter stands twice; of the ID token its signature with the provider's JWKS (never `none` or HMAC, and
 * only what the provider announces), `iss`, `aud`, `azp` where there are several audiences, `exp` and `nbf` (30 s
 * tolerance), that `iat` is there, `nonce`; of the user info its `sub`. By us: `azp` wherever it stands. Not checked
 * is `at_hash`: the access token comes from the provider itself, and is used for nothing but the user info, whose
 * `sub` is compared.
 * @module
 */
import * as client from 'openid-client';
import { ConfigError } from '../errors/errors.ts';
import { guardedFetch, isReachable, oidcError, oidcFault } from './oidc-border.ts';
import { identityOf, type OidcIdentity } from './oidc-identity.ts';
import type { Seal } from './seal.ts';

/** How long somebody may take to sign in at the provider; the cookie should live as long. */
export const SIGN_IN_ms = 10 * 60 * 1000;
const SCOPE = 'openid email profile';
const DISCOVERED_ms = 60 * 60 * 1000;
const TIMEOUT_s = 10;
const RETURN_TO_LENGTH_MAX = 1024;
const CALLBACK_LENGTH_MAX = 8192;

export interface OidcSettings {
  /** As the provider writes it; http only on loopback. */
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  /** The address of ours that the provider sends the browser back to, as it is registered there. */
  readonly redirectUri: string;
}

/** What the cookie holds, sealed. */
interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string;
  readonly expiresAt_ms: number;
}

/**
 * @example
 * const signIn = new OidcSignIn(settings, keys.seal);
 * const { url, cookie } = await signIn.begin('/dashboard');                    // redirect there, with the cookie
 * const { identity, returnTo } = await signIn.finish(request.url, cookie);     // at `redirectUri`
 */
export class OidcSignIn {
  readonly #settings: OidcSettings;
  readonly #seal: Seal;
  readonly #clock: () => number;
  #discovered: { readonly at_ms: number; readonly provider: Promise<client.Configuration> } | null = null;

  /** Asks nobody yet. Throws ERR_SETTING for settings that cannot be meant. */
  constructor(settings: OidcSettings, seal: Seal, clock: () => number = Date.now) {
    checkSettings(settings);
    this.#settings = settings;
    this.#seal = seal;
    this.#clock = clock;
  }

  /**
   * Where to send the browser, and the value of a cookie for it (HttpOnly, SameSite=Lax, 10 minutes). Throws
   * ERR_BAD_REQUEST when `returnTo` is not a path of ours, ERR_OIDC when the provider does not answer.
   */
  async begin(returnTo: string): Promise<{ url: string; cookie: string }> {
    const begun = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      returnTo: localPath(returnTo),
      expiresAt_ms: this.#clock() + SIGN_IN_ms,
    } satisfies Begun;
    const url = client.buildAuthorizationUrl(await this.#provider(), {
      redirect_uri: this.#settings.redirectUri,
      scope: SCOPE,
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, cookie: await this.#seal.sealText(this.#purpose(), JSON.stringify(begun)) };
  }

  /**
   * Who has signed in, and where he wanted to go. Of `callbackUrl` only the query counts. Throws ERR_OIDC with what was
   * wrong in `details.fault`. The cookie is of no more use afterwards: the caller removes it.
   */
  async finish(callbackUrl: string, cookie: string | null): Promise<{ identity: OidcIdentity; returnTo: string }> {
    const begun = await this.#begun(cookie);
    const url = this.#callback(callbackUrl);
    const provider = await this.#provider();
    try {
      return { identity: await this.#identity(provider, url, begun), returnTo: begun.returnTo };
    } catch (error) {
      throw oidcError(error);
    }
  }

  async #identity(provider: client.Configuration, url: URL, begun: Begun): Promise<OidcIdentity> {
    const tokens = await client.authorizationCodeGrant(provider, url, {
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      pkceCodeVerifier: begun.verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims()!;
    if (claims.azp !== undefined && claims.azp !== this.#settings.clientId) throw oidcFault('id-token');
    const asksMore = claims['email'] === undefined && provider.serverMetadata().userinfo_endpoint !== undefined;
    // An address and whether it is verified come from one place, never from two.
    const profile = asksMore ? await client.fetchUserInfo(provider, tokens.access_token, claims.sub) : claims;
    return identityOf(claims.iss, claims.sub, profile);
  }

  async #begun(cookie: string | null): Promise<Begun> {
    const text = cookie === null ? null : await this.#seal.openText(this.#purpose(), cookie);
    const begun = text === null ? null : (JSON.parse(text) as Begun);
    if (begun === null || this.#clock() >= begun.expiresAt_ms) throw oidcFault('cookie');
    return begun;
  }

  /** A cookie that was made for one provider is none for another. */
  #purpose(): string {
    const { issuer, clientId, redirectUri } = this.#settings;
    return JSON.stringify(['oidc sign-in', issuer, clientId, redirectUri]);
  }

  /** The address is the registered one, whatever `Host` said. */
  #callback(callbackUrl: string): URL {
    const { redirectUri } = this.#settings;
    if (callbackUrl.length > CALLBACK_LENGTH_MAX || !URL.canParse(callbackUrl, redirectUri)) throw oidcFault('answer');
    const url = new URL(redirectUri);
    url.search = new URL(callbackUrl, redirectUri).search;
    return url;
  }

  /** Asked once an hour. A failure is not remembered: the next sign-in asks again. */
  async #provider(): Promise<client.Configuration> {
    const now_ms = this.#clock();
    if (this.#discovered !== null && now_ms - this.#discovered.at_ms < DISCOVERED_ms) {
      return await this.#discovered.provider;
    }
    const discovered = { at_ms: now_ms, provider: this.#discover() };
    this.#discovered = discovered;
    try {
      return await discovered.provider;
    } catch (error) {
      if (this.#discovered === discovered) this.#discovered = null;
      throw oidcError(error);
    }
  }

  async #discover(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const provider = await client.discovery(new URL(issuer), clientId, undefined, authentication(clientSecret), {
      // `guardedFetch` lets http through on loopback alone.
      execute: [client.enableNonRepudiationChecks, client.allowInsecureRequests],
      [client.customFetch]: guardedFetch,
      timeout: TIMEOUT_s,
    });
    const { authorization_endpoint: page = '' } = provider.serverMetadata();
    if (URL.canParse(page) && isReachable(new URL(page))) return provider;
    throw oidcFault('answer');
  }
}

/**
 * The path that `text` leads to on our own site. Throws ERR_BAD_REQUEST for one that a browser could take for another.
 * @example localPath('/dashboard?name=a') // '/dashboard?name=a'
 */
export function localPath(text: string): string {
  const base = 'http://c13.invalid';
  const isPath = text.length <= RETURN_TO_LENGTH_MAX && /^\/(?![/\\])[^\\\p{C}\s]*$/u.test(text);
  const url = isPath && URL.canParse(text, base) ? new URL(text, base) : null;
  // `/.//other` becomes `//other` on the way.
  if (url?.origin === base && !url.pathname.startsWith('//')) return url.pathname + url.search + url.hash;
  throw new ConfigError('ERR_BAD_REQUEST', {
    message: 'The place to return to after signing in is not a path of this registry',
    hint: 'Give a path such as /_dashboard/.',
    details: { parameter: 'returnTo' },
  });
}

/** Basic is what every provider must know; the other way only where it says that this is all it takes. */
function authentication(secret: string | null): client.ClientAuth {
  if (secret === null) return client.None();
  return (provider, ...rest) => {
    const methods = provider.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const way = methods.includes('client_secret_basic') ? client.ClientSecretBasic : client.ClientSecretPost;
    way(secret)(provider, ...rest);
  };
}

function checkSettings({ issuer, clientId, clientSecret, redirectUri }: OidcSettings): void {
  const isPlain = (text: string): boolean => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash + url.username + url.password === '';
  };
  if (!isPlain(issuer) || !isReachable(new URL(issuer))) {
    throw setting('issuer', issuer, 'an https address (http only on loopback)');
  }
  if (!isPlain(redirectUri)) throw setting('redirectUri', redirectUri, 'an address of this registry');
  if (!/^[\x20-\x7e]{1,255}$/.test(clientId)) throw setting('clientId', clientId, 'the id that the provider gave');
  if (clientSecret === '') throw setting('clientSecret', '', 'the secret that the provider gave, or none at all');
}

function setting(name: string, value: string, expected: string): ConfigError {
  return new ConfigError('ERR_SETTING', {
    message: `The OpenID Connect setting ${name}: ${JSON.stringify(value.slice(0, 200))} is not ${expected}`,
    hint: `Set it to ${expected}.`,
    details: { setting: name, value },
  });
}
