/**
 * Who may come in while the registry knows no users: whoever runs as the same user on the same machine, and nobody who
 * merely got a browser, a proxy or a name server of that machine to speak for him. Each rule is refused by its own
 * name.
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import { authorizationOf } from './credentials.ts';
import type { Peer } from './peer.ts';

/** Throws ERR_FORBIDDEN, naming the rule. */
export type Admission = (request: Request, peer: Peer | null) => Promise<void>;

export interface LoopbackSettings {
  /** The user whose processes may come in. */
  readonly uid: number;
  /** The user id at the other end of a connection; null where it cannot be told. */
  readonly uidOf: (peer: Peer) => Promise<number | null>;
  /** What a caller whose user cannot be told must show: the secret of the data directory; null: he never comes in. */
  readonly token: string | null;
}

const FORWARDING = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'];
const FORWARDING_PREFIX = 'x-forwarded';
const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$/;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?$/i;
const PORT_MAX = 65_535;

/** True for the names and addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || LOOPBACK_V4.test(host);
}

export function loopbackAdmission({ uid, uidOf, token }: LoopbackSettings): Admission {
  return async (request, peer) => {
    checkForwarding(request.headers);
    checkHost(request.headers);
    checkOrigin(request.headers);
    checkSite(request);
    if (peer === null || !isLoopback(peer.address)) throw forbidden('peer', 'it does not come from this machine');
    const found = await uidOf(peer);
    if (found === uid || (found === null && token !== null && showsToken(request.headers, token))) return;
    if (found === null) throw unproved(token !== null);
    throw forbidden('user', `it comes from user ${found}, and only user ${uid}, who runs the registry, may come in`);
  };
}

function checkForwarding(headers: Headers): void {
  for (const name of headers.keys()) {
    if (!FORWARDING.includes(name) && !name.startsWith(FORWARDING_PREFIX)) continue;
    throw forbidden('forwarded', `its header ${name} says that a proxy sent it for somebody else`);
  }
}

/** A name that a foreign name server points at this machine (DNS rebinding) is not a loopback name. */
function checkHost(headers: Headers): void {
  const host = headers.get('host') ?? '';
  const [, name = '', port = '0'] = HOST.exec(host) ?? [];
  if (isLoopback(name.toLowerCase()) && Number(port) <= PORT_MAX) return;
  throw forbidden('host', `its Host ${JSON.stringify(host.slice(0, 80))} is not a name of this machine only`);
}

/** Browsers send Origin with everything that another site makes them write. */
function checkOrigin(headers: Headers): void {
  const origin = headers.get('origin');
  if (origin === null || origin === `http://${headers.get('host')}`) return;
  throw forbidden('origin', `another site, ${JSON.stringify(origin.slice(0, 80))}, made a browser send it`);
}

/** A form or an image of another site sends no Origin with everything, but says where it comes from. */
function checkSite({ method, headers }: Request): void {
  const site = headers.get('sec-fetch-site');
  if (method === 'GET' || method === 'HEAD' || site === null || site === 'same-origin' || site === 'none') return;
  throw forbidden('site', `a page of another site made a browser send it (${JSON.stringify(site.slice(0, 80))})`);
}

/** Compared in the same time wherever they differ. */
function showsToken(headers: Headers, token: string): boolean {
  const shown = Buffer.from(authorizationOf(headers) ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return shown.length === wanted.length && timingSafeEqual(shown, wanted);
}

function unproved(hasToken: boolean): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'The request is refused: whose process it comes from cannot be told here',
    hint: hasToken
      ? "Send the header 'Authorization: Bearer ...' with what owner.token in the data directory holds."
      : 'Keep the connection open until the answer is there.',
    details: { rule: 'user' },
  });
}

function forbidden(rule: string, why: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `The request is refused: ${why}`,
    hint: 'Call the registry directly, on its loopback address, as the user who runs it.',
    details: { rule },
  });
}
