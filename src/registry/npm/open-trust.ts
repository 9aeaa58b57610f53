/** Says whom packages come from: trusted publishers, and the keys that sign; put together for the routes. @module */
import { IdTokens, mayIssue, type SendForKeys } from '../../auth/id-tokens.ts';
import { TrustedPublishing } from '../../auth/trusted-publishing.ts';
import type { SideStore } from '../../journal/side-store.ts';
import type { Packages } from '../../packages/packages.ts';
import type { ExchangeServices } from './exchange-routes.ts';
import type { PackageKeyServices } from './key-routes.ts';
import type { ProfileServices } from './profile-routes.ts';

export type TrustServices = ExchangeServices &
  IssuerServices &
  Pick<PackageKeyServices, 'keysElsewhere'> &
  Pick<ProfileServices, 'origin'>;

/** Whose tokens can be made to count. */
export interface IssuerServices {
  readonly mayIssue: (issuer: string) => boolean;
}

export interface TrustOptions {
  /** Whether the registry listens on loopback alone: issuers on this machine count there, and nowhere else. */
  readonly isLocal: boolean;
  /** One line for the operator. */
  readonly log: (line: string) => void;
  readonly packages: Pick<Packages, 'trustedPublishers'>;
  /** Durable. */
  readonly keyring: SideStore;
  readonly send: SendForKeys;
  /** Where clients reach the registry. */
  readonly origin: () => string;
  readonly keysElsewhere: PackageKeyServices['keysElsewhere'];
}

export function openTrust(options: TrustOptions): TrustServices {
  const { packages, keyring, send, origin, keysElsewhere, isLocal, log } = options;
  const idTokens = new IdTokens({ send, isLocal, log, audiences: () => audiencesOf(origin()) });
  const publishersOf = (name: string) => packages.trustedPublishers(name);
  const trusted = new TrustedPublishing({ idTokens, publishersOf, keyring });
  return { trusted, keysElsewhere, origin, mayIssue: (issuer) => mayIssue(issuer, isLocal) };
}

/** Some clients name the port, and some do not. */
function audiencesOf(origin: string): readonly string[] {
  const { hostname, host } = new URL(origin);
  return [...new Set([`npm:${hostname}`, `npm:${host}`])];
}
