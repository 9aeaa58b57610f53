/**
 * Identity tokens of workflows: who a provider of continuous integration says is running. Of the issuers that were
 * named by those who trust them, and nobody else, the keys are fetched by discovery (OpenID Connect Discovery 1.0);
 * signatures are checked with them, never with `none` or a shared secret. What a genuine token may do is decided
 * elsewhere (`trusted-publishing.ts`).
 * @module
 */
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { isReachable } from './oidc-border.ts';

/** Sends a request; follows nobody elsewhere. Throws where there is no answer. */
export type SendForKeys = (
  url: string,
  init: { readonly headers: Headers; readonly follow: false; readonly signal: AbortSignal },
) => Promise<Response>;

export type Claims = Readonly<Record<string, unknown>>;

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const TOKEN_LENGTH_MAX = 16_384;
const TOLERANCE_s = 30;
const LIFETIME_MAX_s = 24 * 60 * 60;
const ANSWER_BYTES_MAX = 512 * 1024;
const TIMEOUT_ms = 10_000;
const DISCOVERED_ms = 60 * 60 * 1000;
/** An issuer that does not answer is not asked for each request that names it. */
const UNREACHABLE_ms = 30_000;
const ISSUERS_MAX = 100;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

interface Discovered {
  readonly keys: Promise<KeySet>;
  /** Milliseconds since 1970: from then on it is looked for anew. */
  until: number;
}

/** What can be told of a token before anybody has vouched for it: enough to know whom to ask. */
export interface ClaimedToken {
  readonly text: string;
  readonly issuer: string;
}

export interface IdTokensOptions {
  readonly send: SendForKeys;
  /** Whether issuers on this machine count, which speak http: nobody else can make the registry ask there. */
  readonly isLocal: boolean;
  /** Hears why keys cannot be had; whoever asked hears that alone: what answers here must not be found out so. */
  readonly log: (line: string) => void;
  /** Whom tokens are for: `npm:registry.example.com`; one of them. */
  readonly audiences: () => readonly string[];
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/**
 * @example
 * const claimed = idTokens.parse(text);
 * const claims = await idTokens.verify(claimed); // only if claimed.issuer is one that somebody trusts
 */
export class IdTokens {
  readonly #send: SendForKeys;
  readonly #audiences: IdTokensOptions['audiences'];
  readonly #isLocal: boolean;
  readonly #log: IdTokensOptions['log'];
  readonly #clock: () => number;
  readonly #discovered = new Map<string, Discovered>();

  constructor({ send, isLocal, log, audiences, clock = Date.now }: IdTokensOptions) {
    this.#send = send;
    this.#audiences = audiences;
    this.#isLocal = isLocal;
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * What depends on nobody's keys: its form, whom it is for, its times. Throws ERR_UNAUTHENTICATED saying what is
   * wrong: whoever sends it can read it himself.
   */
  parse(text: string): ClaimedToken {
    const { alg, iss, aud, ...times } = decoded(text);
    if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) {
      throw refused(`is signed with ${JSON.stringify(alg)?.slice(0, 20)}, which is not taken`);
    }
    if (typeof iss !== 'string') throw refused('does not say who issued it (claim iss)');
    const wanted = this.#audiences();
    if (typeof aud !== 'string' || !wanted.includes(aud)) {
      throw refused(`is for ${JSON.stringify(aud)?.slice(0, 100)}, and must be for ${wanted.join(' or ')} (claim aud)`);
    }
    checkTimes(times, Math.floor(this.#clock() / 1000));
    return { text, issuer: iss };
  }

  /**
   * The claims, when the issuer has signed them. Throws ERR_UNAUTHENTICATED, ERR_UPSTREAM where its keys cannot be had.
   */
  async verify({ text, issuer }: ClaimedToken): Promise<Claims & { readonly exp: number }> {
    try {
      const keys = await this.#keysOf(issuer);
      const { payload } = await jwtVerify(text, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: [...this.#audiences()],
        requiredClaims: ['iss', 'aud', 'exp', 'iat'],
        clockTolerance: TOLERANCE_s,
        currentDate: new Date(this.#clock()),
      });
      return { ...payload, exp: payload.exp! };
    } catch (error) {
      if (isConfigError(error) && error.code === 'ERR_UPSTREAM') throw this.#unreachable(issuer, error);
      if (error instanceof errors.JWKSTimeout) {
        throw this.#unreachable(issuer, unreachable(issuer, 'its keys do not come', error));
      }
      if (error instanceof errors.JOSEError) throw refused(`was not signed by ${issuer}, or not as it is now`, error);
      throw error;
    }
  }

  /** One answer for all that can be wrong. */
  #unreachable(issuer: string, error: ConfigError): ConfigError {
    this.#log(error.message);
    const told = unreachable(issuer, 'the log of the registry says why');
    told.cause = error;
    return told;
  }

  async #keysOf(issuer: string): Promise<KeySet> {
    const now = this.#clock();
    const known = this.#discovered.get(issuer);
    if (known !== undefined && known.until > now) return await known.keys;
    const discovered = { keys: this.#discover(issuer), until: now + DISCOVERED_ms };
    this.#discovered.delete(issuer);
    this.#discovered.set(issuer, discovered);
    const [oldest] = this.#discovered.keys();
    if (this.#discovered.size > ISSUERS_MAX) this.#discovered.delete(oldest!);
    try {
      return await discovered.keys;
    } catch (error) {
      discovered.until = now + UNREACHABLE_ms;
      throw error;
    }
  }

  async #discover(issuer: string): Promise<KeySet> {
    if (!mayIssue(issuer, this.#isLocal)) throw unreachable(issuer, 'it is no https address');
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = await this.#json(issuer, url);
    const { issuer: said, jwks_uri: keys } = document;
    if (said !== issuer) throw unreachable(issuer, 'its description is of another issuer');
    if (typeof keys !== 'string' || !mayNameKeys(issuer, keys))
      throw unreachable(issuer, 'it says nothing of its keys');
    return createRemoteJWKSet(new URL(keys), {
      timeoutDuration: TIMEOUT_ms,
      [customFetch]: async (address, { headers, signal }) => {
        const answer = await this.#reached(issuer, address, headers, signal);
        if (answer.status !== 200) throw unreachable(issuer, `its keys answer ${answer.status}`);
        return new Response(await readAtMost(issuer, answer));
      },
    });
  }

  async #json(issuer: string, url: string): Promise<Claims> {
    const headers = new Headers({ accept: 'application/json' });
    const answer = await this.#reached(issuer, url, headers, AbortSignal.timeout(TIMEOUT_ms));
    const text = await (await readAtMost(issuer, answer)).text();
    if (answer.status !== 200) throw unreachable(issuer, `it answers ${answer.status}`);
    try {
      return { ...(JSON.parse(text) as Claims | null) };
    } catch (cause) {
      throw unreachable(issuer, 'its description is no JSON', cause);
    }
  }

  async #reached(issuer: string, url: string, headers: Headers, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#send(url, { headers, follow: false, signal });
    } catch (cause) {
      throw unreachable(issuer, 'it does not answer', cause);
    }
  }
}

/**
 * Whether keys of the issuer would be asked for: of one that speaks https, or of one on this machine where nobody else
 * reaches the registry.
 */
export function mayIssue(issuer: string, isLocal: boolean): boolean {
  if (!URL.canParse(issuer)) return false;
  const url = new URL(issuer);
  return isReachable(url) && (url.protocol === 'https:' || isLocal);
}

/** Who is on this machine may name keys on this machine; for others, that would let them ask here in our name. */
function mayNameKeys(issuer: string, keys: string): boolean {
  if (!URL.canParse(keys) || !isReachable(new URL(keys))) return false;
  return new URL(keys).protocol === 'https:' || new URL(issuer).protocol === 'http:';
}

async function readAtMost(issuer: string, { body }: Response): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > ANSWER_BYTES_MAX) throw unreachable(issuer, 'it answers with too much');
    parts.push(part);
  }
  return new Blob(parts);
}

function decoded(text: string): Claims {
  try {
    if (text.length > TOKEN_LENGTH_MAX) throw new errors.JWTInvalid('too long');
    return { ...decodeJwt(text), alg: decodeProtectedHeader(text).alg };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw refused('is none', error);
    throw error;
  }
}

/** Throws ERR_UNAUTHENTICATED. */
function checkTimes({ exp, iat, nbf = iat }: Claims, now_s: number): void {
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) {
    throw refused('does not say when it was issued and when it expires (iat, exp)');
  }
  if (exp - iat > LIFETIME_MAX_s) throw refused('lives longer than a day');
  if (exp + TOLERANCE_s <= now_s) throw refused('has expired');
  if (Math.max(nbf, iat) - TOLERANCE_s > now_s) throw refused('is not valid yet');
}

function isTime(time: unknown): time is number {
  return typeof time === 'number' && Number.isFinite(time) && time >= 0;
}

function refused(what: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: `The identity token ${what}`,
    hint: 'Let the workflow ask its provider for a new one, for this registry.',
    details: { why: 'id-token' },
    cause,
  });
}

function unreachable(issuer: string, fault: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_UPSTREAM', {
    message: `The keys of the issuer ${issuer} cannot be had: ${fault}`,
    hint: 'Try again later, or correct the issuer of the trusted publisher.',
    details: { url: issuer, fault },
    cause,
  });
}
