/**
 * Users, grants and tokens as they are now, in memory: what every request asks. Read from the journal, and read again
 * before anybody is let in when the journal has moved, whoever moved it. Changes nothing; see `identity-changes.ts`.
 *
 * All changes append to the stream `ORDER`, so that they have one order among themselves: its revision tells whether
 * anything here is different, and what was decided on an older state is refused.
 * @module
 */
import type { Entry, Journal } from '../journal/journal.ts';
import { Resources, type Resource } from '../journal/resources.ts';
import type { SideStore } from '../journal/side-store.ts';
import { ConfigError } from '../errors/errors.ts';
import {
  EVERYBODY,
  parseHeldGrant,
  parseToken,
  parseUser,
  type HeldGrant,
  type Token,
  type User,
} from './identity-values.ts';
import { KEYRING } from './keyring.ts';
import { ANONYMOUS, type Grant, type Principal } from './rights.ts';

export const ORDER = 'identities:order';
const LOAD_ATTEMPTS_MAX = 20;

type ByKey<T> = ReadonlyMap<string, Resource<T>>;

/** One moment of all identities. */
export interface IdentityState {
  /** Of `ORDER`. */
  readonly revision: number;
  readonly users: ByKey<User>;
  readonly grants: ByKey<HeldGrant>;
  readonly tokens: ByKey<Token>;
  /** What each user may do, `anonymous` included; who is not in it has no grants. */
  readonly grantsOf: ReadonlyMap<string, readonly Grant[]>;
  /** Epochs that were reached, by name, also of users who are gone. */
  readonly epochs: ReadonlyMap<string, number>;
  /** Tokens whose entries a backup may have brought back. */
  readonly revoked: ReadonlySet<string>;
  readonly anonymous: Principal;
}

export interface IdentitiesOptions {
  readonly journal: Journal;
  /** Durable. */
  readonly keyring: SideStore;
  /** The highest sequence that any process of this host has announced: one load of shared memory. */
  readonly head: () => number;
}

/**
 * @example
 * const identities = await openIdentities({ journal, keyring, head: () => store.head() });
 * const { users } = await identities.fresh();
 */
export async function openIdentities(options: IdentitiesOptions): Promise<Identities> {
  const identities = new Identities(options);
  await identities.fresh();
  return identities;
}

export class Identities {
  readonly users: Resources<User>;
  readonly grants: Resources<HeldGrant>;
  readonly tokens: Resources<Token>;
  readonly #journal: Journal;
  readonly #keyring: SideStore;
  readonly #head: () => number;
  readonly #stop: () => void;
  #state: IdentityState | null = null;
  /** Nothing of ours up to this sequence is missing in the state. */
  #checked = -1;
  #isStale = true;
  #version = 0;
  #refreshing: Promise<void> | null = null;

  constructor({ journal, keyring, head }: IdentitiesOptions) {
    this.#journal = journal;
    this.#keyring = keyring;
    this.#head = head;
    this.users = new Resources(journal, 'user', parseUser);
    this.grants = new Resources(journal, 'grant', parseHeldGrant);
    this.tokens = new Resources(journal, 'token', parseToken);
    this.#stop = journal.onAppend((entries) => this.#noteAppended(entries));
  }

  /** Whether `state` is what the journal says: false makes the caller wait for `fresh`. */
  get isFresh(): boolean {
    return !this.#isStale && this.#head() <= this.#checked;
  }

  /** Rises whenever the state is another. */
  get version(): number {
    return this.#version;
  }

  /** As it was when somebody last waited for it. */
  get state(): IdentityState {
    return this.#state!;
  }

  /** Whether there is any user, in `state`: while there is none, whoever runs the registry is the administrator. */
  get hasUsers(): boolean {
    return this.state.users.size > 0;
  }

  /** The state with all that was announced by now. Errors: of the journal and the keyring; nobody is let in then. */
  async fresh(): Promise<IdentityState> {
    const wanted = this.#head();
    while (this.#isStale || this.#checked < wanted) {
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
      await this.#refreshing;
    }
    return this.state;
  }

  /** The state with all that is in the journal, announced or not. */
  async newest(): Promise<IdentityState> {
    this.#isStale = true;
    return await this.fresh();
  }

  /** Stops listening to the journal, which stays open. */
  close(): void {
    this.#stop();
  }

  // Where only this process appends, nothing has to be read to know that nothing of ours was among it.
  #noteAppended(entries: readonly Entry[]): void {
    if (entries.some(({ stream }) => stream === ORDER)) this.#isStale = true;
    else if (entries[0]?.seq === this.#checked + 1) this.#checked = entries.at(-1)!.seq;
  }

  // Invariant: what is announced, or appended here, after these two lines makes another refresh.
  async #refresh(): Promise<void> {
    const head = this.#head();
    this.#isStale = false;
    try {
      const revision = await this.#journal.streamHead(ORDER);
      if (revision !== this.#state?.revision) {
        this.#state = await this.#load();
        this.#version++;
      }
      this.#checked = Math.max(this.#checked, head);
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  async #load(): Promise<IdentityState> {
    for (let attempts = 0; attempts < LOAD_ATTEMPTS_MAX; attempts++) {
      const revision = await this.#journal.streamHead(ORDER);
      const [users, grants, tokens] = await Promise.all([this.users.all(), this.grants.all(), this.tokens.all()]);
      // Read one after the other: a change between would show a moment that never was.
      if ((await this.#journal.streamHead(ORDER)) === revision) return this.#stateOf(revision, users, grants, tokens);
    }
    throw new ConfigError('ERR_BUSY', {
      message: 'Users, grants and tokens change faster than they can be read',
      hint: 'Try again.',
      details: { limit: LOAD_ATTEMPTS_MAX },
    });
  }

  #stateOf(
    revision: number,
    users: readonly Resource<User>[],
    grants: readonly Resource<HeldGrant>[],
    tokens: readonly Resource<Token>[],
  ): IdentityState {
    const kept = this.#keyring.entries(KEYRING.epoch);
    const epochs = new Map(kept.map(({ key, value }) => [key, Number(new TextDecoder().decode(value))]));
    const disabled = new Set(this.#keyring.entries(KEYRING.disabled).map(({ key }) => key));
    const known = ({ key, value }: Resource<User>) => asKept(value, epochs.get(key) ?? 0, disabled.has(key));
    const grantsOf = Map.groupBy(
      grants.map(({ value }) => value),
      ({ user }) => user,
    );
    return {
      revision,
      users: byKey(users.map((user) => ({ ...user, value: known(user) }))),
      grants: byKey(grants),
      tokens: byKey(tokens),
      grantsOf,
      epochs,
      revoked: new Set(this.#keyring.entries(KEYRING.revoked).map(({ key }) => key)),
      anonymous: { ...ANONYMOUS, grants: grantsOf.get(EVERYBODY) ?? [] },
    };
  }
}

/** What a user may do: what was granted to him, and what everybody may. Null for one who is gone or disabled. */
export function principalOf(state: IdentityState, name: string): Principal | null {
  const user = state.users.get(name)?.value;
  if (user === undefined || user.isDisabled) return null;
  const grants = [...(state.grantsOf.get(name) ?? []), ...(state.grantsOf.get(EVERYBODY) ?? [])];
  return { kind: 'user', actor: name, user: name, grants, scope: null, readOnly: false };
}

/**
 * Why a token lets nobody in, whatever its user may; null: it does. To be asked wherever a token counts without being
 * shown again. `now` in milliseconds since 1970.
 */
export function tokenFault(
  { revoked }: Pick<IdentityState, 'revoked'>,
  { key, value }: Resource<Token>,
  now: number,
): 'revoked' | 'expired' | null {
  if (revoked.has(key)) return 'revoked';
  return value.expiresAt <= now ? 'expired' : null;
}

/**
 * Who holds the token with this id, as he is now; null where it is gone, revoked or expired, or its user gone or
 * disabled.
 * @example principalOfTokenId(await identities.fresh(), tokenId, Date.now())
 */
export function principalOfTokenId(state: IdentityState, id: string, now: number): Principal | null {
  const token = state.tokens.get(id);
  return token !== undefined && tokenFault(state, token, now) === null ? principalOfToken(state, token) : null;
}

/** What a token may do: at most what its user may. Null where the user is gone or disabled. */
export function principalOfToken(state: IdentityState, { key: tokenId, value }: Resource<Token>): Principal | null {
  const { user, name, scope, readOnly, isBrowser, isSignIn = false, cidrs = null } = value;
  const principal = principalOf(state, user);
  if (principal === null) return null;
  const limits = { ...(cidrs === null ? {} : { cidrs }), ...(isSignIn ? { isSignIn } : {}) };
  const asToken = {
    ...principal,
    kind: 'token',
    actor: `${user}/${name}`,
    scope,
    readOnly,
    tokenId,
    ...limits,
  } as const;
  return isBrowser === true ? { ...asToken, isBrowser, readOnly: true } : asToken;
}

/** An entry that a backup has brought back may be older than what was decided since. */
function asKept(user: User, reached: number, isDisabled: boolean): User {
  if (reached <= user.epoch && isDisabled <= user.isDisabled) return user;
  return { ...user, epoch: Math.max(reached, user.epoch), isDisabled: isDisabled || user.isDisabled };
}

function byKey<T>(resources: readonly Resource<T>[]): ByKey<T> {
  return new Map(resources.map((resource) => [resource.key, resource]));
}
