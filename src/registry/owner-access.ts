/**
 * While there is no user: whoever runs the registry may do everything, if it listens on loopback and the request is
 * certainly his; where others could reach it, nobody may do anything but redeem the setup link.
 * @module
 */
import { hostname } from 'node:os';
import { owner, type Principal } from '../auth/rights.ts';
import { ConfigError } from '../errors/errors.ts';
import { openOwnerToken } from '../live/owner-token.ts';
import { userName } from '../live/user.ts';
import { isLoopback, loopbackAdmission } from './loopback.ts';
import { SETUP_PATH } from './pages/sign-in-page.ts';
import { PeerOwners, type Peer } from './peer.ts';

const ANY_ADDRESS = ['0.0.0.0', '::', '[::]'];

export interface OwnerAccess {
  /** Throws ERR_FORBIDDEN, ERR_NOT_LOOPBACK. */
  readonly identify: (request: Request, peer: Peer | null) => Promise<Principal>;
  /** To be told before the first request. */
  readonly listensOn: (port: number) => void;
}

export function ownerAccess(host: string, directory: string): OwnerAccess {
  if (!isLoopback(host)) return { identify: () => Promise.reject(reachableByOthers(host)), listensOn: () => undefined };
  let peers: PeerOwners | null = null;
  const admission = loopbackAdmission({
    uid: process.getuid?.() ?? -1,
    uidOf: async (peer) => (await peers?.uidOf(peer)) ?? null,
    // Linux tells whose process asks: there a secret would only be one more thing to steal.
    token: process.platform === 'linux' ? null : openOwnerToken(directory),
  });
  // `ann@loopback`: whoever comes in is this user.
  const self = owner(`${userName()}@loopback`);
  return {
    identify: async (request, peer) => {
      await admission(request, peer);
      return self;
    },
    listensOn: (port) => void (peers = new PeerOwners(port)),
  };
}

/**
 * The link that makes the first administrator, good for one day and one use. In a query, because the page needs no
 * script: it is in no log of ours, and no other site gets it as Referer.
 */
export function setupUrl(origin: string, secret: string): string {
  return `${origin}${SETUP_PATH}?secret=${secret}`;
}

/** Whether what listens there is reached at every address of the machine. */
export function isAnyAddress(host: string): boolean {
  return ANY_ADDRESS.includes(host);
}

/** Where people reach what listens there, if nobody has said. */
export function originOf(host: string, port: number): string {
  const name = isAnyAddress(host) ? hostname() : host;
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`;
}

function reachableByOthers(host: string): ConfigError {
  return new ConfigError('ERR_NOT_LOOPBACK', {
    message: `The registry has no user yet, and listens on ${host}, where others reach it: only the setup link works`,
    hint: 'Open the link that it printed when it started, or make a new one: c13 setup-link.',
    details: { host },
  });
}
