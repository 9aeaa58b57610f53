/**
 * A real OpenID Connect provider on a loopback port, as a process of its own: says its issuer, then serves until it is
 * killed. Everybody may sign in; the login decides what is known of him. Signed in with its own key, it lies where it
 * is told to: `/lie?claims={"nonce":"x","exp":null}` changes claims of the next ID token (null leaves one out), and
 * `&key=another` signs it with a key that nobody has published.
 * @module
 */
import { createServer } from 'node:http';
import { decodeJwt, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
// @ts-expect-error The package has no types.
import Provider from 'oidc-provider';

const [redirectUri = ''] = process.argv.slice(2);
const ACCOUNTS: Record<string, Record<string, unknown>> = {
  ann: { email: 'ann@example.com', email_verified: true, name: 'Ann', preferred_username: 'ann' },
  eve: { email: 'ann@example.com', email_verified: false },
  mia: { email: 'ann@example.com', email_verified: 'true' },
  bob: {},
};

const own = await signingKey('own');
const another = await signingKey('own');
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
const common = { redirect_uris: [redirectUri], id_token_signed_response_alg: 'ES256' };
const provider = new Provider(issuer, {
  jwks: { keys: [own] },
  cookies: { keys: ['test'] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  clients: [
    { ...common, client_id: 'registry', client_secret: 'a secret & more: %/+' },
    { ...common, client_id: 'public', token_endpoint_auth_method: 'none' },
  ],
  findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...ACCOUNTS[sub] }) }),
});

let lie: { claims: JWTPayload; key: string } | null = null;

provider.use(async (ctx: any, next: () => Promise<void>) => {
  if (ctx.path === '/lie') {
    lie = { claims: JSON.parse(ctx.query.claims), key: ctx.query.key ?? 'own' };
    ctx.body = 'as you wish';
    return;
  }
  await next();
  if (ctx.path !== '/token' || ctx.body?.id_token === undefined || lie === null) return;
  const claims = Object.entries({ ...decodeJwt(ctx.body.id_token), ...lie.claims });
  ctx.body.id_token = await lied(Object.fromEntries(claims.filter(([, value]) => value !== null)), lie.key);
  lie = null;
});
server.on('request', provider.callback());
console.log(issuer);

async function lied(claims: JWTPayload, key: string): Promise<string> {
  if (key === 'none') return new UnsecuredJWT(claims).encode();
  if (key === 'secret') {
    const secret = new TextEncoder().encode('a secret & more: %/+');
    return await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret);
  }
  const jwk = await importJWK(key === 'own' ? own : another, 'ES256');
  return await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'own' }).sign(jwk);
}

async function signingKey(kid: string) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
}
