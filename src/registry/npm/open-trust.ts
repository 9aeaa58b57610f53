/** Says whom packages come from: trusted publishers, and the keys that sign; put together for the routes. @module */
import { IdTokens, type SendForKeys } from '../../auth/id-tokens.ts';
import { TrustedPublishing } from '../../auth/trusted-publishing.ts';
import type { SideStore } from '../../journal/side-store.ts';
import type { Packages } from '../../packages/packages.ts';
import type { ExchangeServices } from './exchange-routes.ts';
import type { PackageKeyServices } from './key-routes.ts';
import type { ProfileServices } from './profile-routes.ts';

export type TrustServices = ExchangeServices &
  Pick<PackageKeyServices, 'keysElsewhere'> &
  Pick<ProfileServices, 'origin'>;

export interface TrustOptions {
  readonly packages: Pick<Packages, 'state'>;
  /** Durable. */
  readonly keyring: SideStore;
  readonly send: SendForKeys;
  /** Where clients reach the registry. */
  readonly origin: () => string;
  readonly keysElsewhere: PackageKeyServices['keysElsewhere'];
}

export function openTrust({ packages, keyring, send, origin, keysElsewhere }: TrustOptions): TrustServices {
  const idTokens = new IdTokens({ send, audiences: () => audiencesOf(origin()) });
  const publishersOf = async (name: string) => (await packages.state(name))?.settings.trustedPublishers ?? [];
  return { trusted: new TrustedPublishing({ idTokens, publishersOf, keyring }), keysElsewhere, origin };
}

/** Some clients name the port, and some do not. */
function audiencesOf(origin: string): readonly string[] {
  const { hostname, host } = new URL(origin);
  return [...new Set([`npm:${hostname}`, `npm:${host}`])];
}
