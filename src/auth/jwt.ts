/**
 * The tokens that the registry signs for somebody who has signed in: short-lived, EdDSA alone, in exactly the form in
 * which it writes them. Whatever else RFC 7515 to 7519 allow (other algorithms, keys in headers, compression, nesting,
 * several audiences) is refused before any cryptography. Says who a token was made for, not whether he is still let in.
 *
 * Header `{alg:'EdDSA', kid, typ:'at+jwt'}`; claims `iss aud sub jti iat nbf exp epoch`.
 * @module
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { ConfigError } from '../errors/errors.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { type Keys, LIFETIME_MAX_ms } from './keys.ts';
import { type Refusal, unauthenticated } from './refusal.ts';

const ALGORITHM = 'EdDSA';
const TYPE = 'at+jwt';
const AUDIENCE = '13byte-config';
const LIFETIME_ms = 8 * 60 * 60 * 1000;
const TOLERANCE_s = 5;
const TOKEN_LENGTH_MAX = 4096;
const ID_BYTES = 16;
/** An Ed25519 signature has 64 bytes. */
const TOKEN = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/;
const KID = /^[A-Za-z0-9_-]{43}$/;
const JTI = /^[A-Za-z0-9_-]{22}$/;
const SUBJECT = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const HEADER = ['alg', 'kid', 'typ'];
const CLAIMS = ['aud', 'epoch', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub'];

export interface IssuedJwt {
  readonly token: string;
  /** The claim `jti`: what ends this one token. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly expiresAt_ms: number;
}

export interface VerifiedJwt {
  readonly user: string;
  /** The claim `jti`. */
  readonly id: string;
  /** The user's epoch when it was issued. */
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly expiresAt_ms: number;
}

/** What stands in `iss`: the address that the registry is reached by, or where it has none, its journal. */
export function jwtIssuer(publicUrl: string | null, journalId: string): string {
  return publicUrl ?? `urn:13byte-config:${journalId}`;
}

/**
 * @example
 * const jwts = new Jwts(keys, jwtIssuer(null, journalId));
 * const { token } = await jwts.issue('ann', 1);
 * (await jwts.verify(token)).user; // 'ann'
 */
export class Jwts {
  readonly #keys: Keys;
  readonly #issuer: string;
  readonly #clock: () => number;

  constructor(keys: Keys, issuer: string, clock: () => number = Date.now) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#clock = clock;
  }

  /** A token for `user`, for 8 hours unless said otherwise. Throws ERR_OUT_OF_RANGE for more than 12 hours. */
  async issue(user: string, epoch: number, lifetime_ms = LIFETIME_ms): Promise<IssuedJwt> {
    if (!(lifetime_ms >= 1000 && lifetime_ms <= LIFETIME_MAX_ms)) throw outOfRange(lifetime_ms);
    const { kid, privateKey } = await this.#keys.signingKey();
    const id = toBase64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
    const now_s = Math.floor(this.#clock() / 1000);
    const exp = now_s + Math.floor(lifetime_ms / 1000);
    const claims = { iss: this.#issuer, aud: AUDIENCE, sub: user, jti: id, iat: now_s, nbf: now_s, exp, epoch };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ: TYPE }).sign(privateKey);
    return { token, id, expiresAt_ms: exp * 1000 };
  }

  /** Throws ERR_UNAUTHENTICATED for whatever this registry did not issue, or did and is over; ERR_KEYS. */
  async verify(token: string): Promise<VerifiedJwt> {
    const key = await this.#keys.find(kidOf(token));
    if (key === null) throw unauthenticated('unknown');
    const claims = await this.#checked(token, key);
    return { user: claims.sub, id: claims.jti, epoch: claims.epoch, expiresAt_ms: claims.exp * 1000 };
  }

  async #checked(token: string, key: CryptoKey): Promise<Claims> {
    try {
      await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: this.#issuer,
        audience: AUDIENCE,
        requiredClaims: CLAIMS,
        clockTolerance: TOLERANCE_s,
        maxTokenAge: LIFETIME_MAX_ms / 1000,
        currentDate: new Date(this.#clock()),
      });
    } catch (error) {
      throw unauthenticated(refusalOf(error), error);
    }
    return claimsOf(token);
  }
}

interface Claims {
  readonly sub: string;
  readonly jti: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly epoch: number;
}

function kidOf(token: string): string {
  if (token.length > TOKEN_LENGTH_MAX) throw unauthenticated('malformed');
  const [, first = '', second = '', signature = ''] = TOKEN.exec(token) ?? [];
  const header = strictJson(first);
  const isOurs = hasExactly(header, HEADER) && header['alg'] === ALGORITHM && header['typ'] === TYPE;
  const kid = isOurs ? header['kid'] : null;
  if (typeof kid !== 'string' || !KID.test(kid)) throw unauthenticated('malformed');
  if (fromBase64url(signature) === null || strictJson(second) === null) throw unauthenticated('malformed');
  return kid;
}

/** What our own key signed, but this version would never write, is refused as well. */
function claimsOf(token: string): Claims {
  const claims = strictJson(token.split('.')[1]!);
  if (!hasExactly(claims, CLAIMS) || !isClaims(claims)) throw unauthenticated('malformed');
  const { iat, nbf, exp } = claims;
  if (nbf !== iat || exp <= iat || exp - iat > LIFETIME_MAX_ms / 1000) throw unauthenticated('malformed');
  return claims;
}

function isClaims(claims: object): claims is Claims {
  const { sub, jti, aud, iat, nbf, exp, epoch } = claims as Partial<Record<string, unknown>>;
  const isText = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value);
  const areTimes = [iat, nbf, exp, epoch].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  return isText(sub, SUBJECT) && isText(jti, JTI) && aud === AUDIENCE && areTimes;
}

function hasExactly(data: object | null, members: readonly string[]): data is Record<string, unknown> {
  return data !== null && Object.keys(data).toSorted().join() === members.join();
}

/**
 * The object, or null when the text is not just as we would write it: a name that stands twice, space, other escapes.
 */
function strictJson(segment: string): object | null {
  const bytes = fromBase64url(segment);
  if (bytes === null) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && !Array.isArray(data) && JSON.stringify(data) === text ? data : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'tampered';
  if (error instanceof errors.JWTClaimValidationFailed && ['iss', 'aud'].includes(error.claim)) return 'unknown';
  if (error instanceof errors.JOSEError) return 'malformed';
  throw error;
}

function outOfRange(lifetime_ms: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `A token for ${lifetime_ms} ms is not possible (must be 1000 to ${LIFETIME_MAX_ms})`,
    hint: 'For longer, make an API token.',
    details: { field: 'lifetime_ms', value: lifetime_ms, min: 1000, max: LIFETIME_MAX_ms },
  });
}
