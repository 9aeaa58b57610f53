/**
 * Users, grants, tokens and keys of a data directory, without a registry or beside one: for whoever owns the directory,
 * such as an administrator who lost his password. What is revoked here ends on the next request.
 * @module
 */
import { dirname } from 'node:path';
import { existingDatabase } from './database-target.ts';
import type { IdentityTarget } from './identity-target.ts';
import { openDataDirectory } from '../live/data-directory.ts';
import { openConfigStore } from '../live/config-store.ts';
import { IdentityOperations } from '../registry/identity-operations.ts';
import { openIdentityIn } from '../registry/open-identity.ts';

/** Errors: ERR_NOT_FOUND when there is no such file, those of `openConfigStore` and `openIdentityIn`. */
export async function openDatabaseIdentity(path: string): Promise<DatabaseIdentity> {
  const file = existingDatabase(path);
  const directory = openDataDirectory(dirname(file));
  const store = await openConfigStore(file);
  try {
    const { journal } = store;
    // Nobody waits here for the uses of tokens, and none is used.
    const onError = (error: unknown): never => {
      throw error;
    };
    const identity = await openIdentityIn({ directory, journal, head: () => store.head(), publicUrl: null, onError });
    await identity.identities.newest();
    const close = async (): Promise<void> => {
      identity.close();
      await store.close();
    };
    return new DatabaseIdentity(identity, () => identity.setupLink.create(), close);
  } catch (error) {
    await store.close();
    throw error;
  }
}

export class DatabaseIdentity extends IdentityOperations implements IdentityTarget {
  readonly kind = 'database';
  /** The secret of a new setup link. Throws ERR_FORBIDDEN when there is a user. */
  readonly createSetupLink: () => Promise<string>;
  readonly close: () => Promise<void>;

  constructor(
    identity: ConstructorParameters<typeof IdentityOperations>[0],
    createSetupLink: () => Promise<string>,
    close: () => Promise<void>,
  ) {
    super(identity);
    this.createSetupLink = createSetupLink;
    this.close = close;
  }

  /** Whoever owns the directory is no user. */
  self(): Promise<null> {
    return Promise.resolve(null);
  }
}
