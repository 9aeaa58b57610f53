/**
 * A provider of continuous integration on a loopback port: discovery, keys, and tokens that say what a test wants.
 * @module
 */
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { onTestFinished } from 'vitest';

export interface Issuer {
  readonly url: string;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  /** Signed with its own key, unless another one is said; null leaves a claim out. */
  token(claims?: Readonly<Record<string, unknown>>, key?: CryptoKey): Promise<string>;
  /** What it answers from now on, by path; undefined: as ever. */
  readonly answers: Map<string, () => Response>;
}

/** `audience`: whom its tokens are for, unless a test says otherwise. */
export async function openIssuer(audience: () => string): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  const asked = new Map<string, number>();
  const answers = new Map<string, () => Response>();
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) => {
      const { pathname, origin } = new URL(url);
      asked.set(pathname, (asked.get(pathname) ?? 0) + 1);
      const said = answers.get(pathname);
      if (said !== undefined) return said();
      if (pathname === '/.well-known/openid-configuration') {
        return Response.json({ issuer: origin, jwks_uri: `${origin}/jwks` });
      }
      return pathname === '/jwks' ? Response.json({ keys: [jwk] }) : new Response(null, { status: 404 });
    },
  });
  onTestFinished(async () => await server.stop(true));
  const url = `http://127.0.0.1:${server.port}`;
  const token = async (claims: Readonly<Record<string, unknown>> = {}, key = privateKey): Promise<string> => {
    const now_s = Math.floor(Date.now() / 1000);
    const all = {
      iss: url,
      aud: audience(),
      jti: crypto.randomUUID(),
      iat: now_s,
      exp: now_s + 300,
      ...WORKFLOW,
      ...claims,
    };
    const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    return await new SignJWT(said as JWTPayload).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key);
  };
  return { url, asked, token, answers };
}

export const WORKFLOW = {
  sub: 'repo:acme/ui:ref:refs/heads/main',
  repository: 'acme/ui',
  repository_visibility: 'private',
  ref: 'refs/heads/main',
  workflow_ref: 'acme/ui/.github/workflows/release.yml@refs/heads/main',
};
