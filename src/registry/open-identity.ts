/**
 * All about users over one data directory: the keyring and the scratch file beside the journal, the keys, and what
 * works on them. The registry and the command line both open it, also at the same time.
 * @module
 */
import { join } from 'node:path';
import { openIdentity, type Identity } from '../auth/identity.ts';
import { jwtIssuer, Jwts } from '../auth/jwt.ts';
import { openKeys, type Keys } from '../auth/keys.ts';
import { SecondFactor } from '../auth/second-factor.ts';
import type { Journal } from '../journal/journal.ts';
import { openSideStore, type SideStore } from '../journal/side-store.ts';
import { trustedPublishersOf } from '../packages/trusted-publishers.ts';

const KEYRING_FILE = 'keyring.db';
const SCRATCH_FILE = 'scratch.db';

export interface OpenOptions {
  readonly directory: string;
  readonly journal: Journal;
  /** How far the journal is, as this host knows it: one load of memory. */
  readonly head: () => number;
  /** null: sessions name the journal as who issued them. */
  readonly publicUrl: string | null;
  /** Hears of what failed with nobody waiting for it. */
  readonly onError: (error: unknown) => void;
}

export interface OpenedIdentity extends Identity {
  readonly keys: Keys;
  readonly jwts: Jwts;
  readonly factor: SecondFactor;
  /** What must be erasable. */
  readonly keyring: SideStore;
  /** What may be lost. */
  readonly scratch: SideStore;
}

/** Makes what is missing. Errors: ERR_KEYS, ERR_STORE, those of the journal; nothing stays open then. */
export async function openIdentityIn(options: OpenOptions): Promise<OpenedIdentity> {
  const { directory, journal, publicUrl } = options;
  const keys = await openKeys(directory);
  const jwts = new Jwts(keys, jwtIssuer(publicUrl, journal.id));
  const stores: SideStore[] = [];
  const open = (file: string, durable: boolean): SideStore => {
    const store = openSideStore({ path: join(directory, file), durable });
    stores.unshift(store);
    return store;
  };
  const close = (): void => stores.splice(0).forEach((store) => store.close());
  try {
    const files = { keyring: open(KEYRING_FILE, true), scratch: open(SCRATCH_FILE, false) };
    const isTrusted = async (name: string, publisherId: string): Promise<boolean> =>
      (await trustedPublishersOf(journal, name)).some(({ id }) => id === publisherId);
    const verifyJwt = (token: string) => jwts.verify(token);
    const identity = await openIdentity({ ...options, ...files, verifyJwt, isTrusted });
    const closeAll = (): void => {
      identity.close();
      close();
    };
    const factor = new SecondFactor({ keyring: files.keyring, seal: keys.seal });
    return { ...identity, ...files, keys, jwts, factor, close: closeAll };
  } catch (error) {
    close();
    throw error;
  }
}
