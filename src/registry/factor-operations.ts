/**
 * What can be done to somebody's second factor. The factor itself is in the keyring and must be erasable; that it was
 * switched on, off or over, by whom and why, is in the journal, as a new entry of the user.
 * @module
 */
import type { FactorMode, SecondFactor } from '../auth/second-factor.ts';
import type { Users } from '../auth/users.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ResourceWrite } from '../journal/resources.ts';

export interface FactorOptions {
  readonly factor: SecondFactor;
  readonly users: Pick<Users, 'update' | 'signOutEverywhere'>;
}

/** Errors of all: those of `SecondFactor`, of `Users.update` and of the journal. */
export class FactorOperations {
  readonly #factor: SecondFactor;
  readonly #users: FactorOptions['users'];

  constructor({ factor, users }: FactorOptions) {
    this.#factor = factor;
    this.#users = users;
  }

  /** null: none. */
  async of(user: string): Promise<{ readonly mode: FactorMode; readonly isPending: boolean } | null> {
    return await this.#factor.of(user);
  }

  /** The link for an app; nothing is asked for before `confirm`. */
  async begin(user: string, mode: FactorMode, issuer: string): Promise<string> {
    return await this.#factor.begin(user, mode, issuer);
  }

  /** Recovery codes, shown once; null for a code that the app has not made. */
  async confirm(user: string, code: string): Promise<readonly string[] | null> {
    const codes = await this.#factor.confirm(user, code);
    if (codes === null) return null;
    try {
      await this.#users.update(user, {}, { actor: user, reason: 'second factor switched on' });
      return codes;
    } catch (error) {
      // Nobody would have seen the recovery codes.
      this.#factor.remove(user);
      throw error;
    }
  }

  async setMode(user: string, mode: FactorMode): Promise<void> {
    await this.#users.update(user, {}, { actor: user, reason: `second factor asked for: ${mode}` });
    await this.#factor.setMode(user, mode);
  }

  /** Forgets what was begun. */
  forgetBegun(user: string): void {
    this.#factor.remove(user);
  }

  /** By the user himself, who has shown a code. */
  async remove(user: string): Promise<void> {
    await this.#users.update(user, {}, { actor: user, reason: 'second factor switched off' });
    this.#factor.remove(user);
  }

  /** For whoever has lost it: ends all his sign-ins too. Errors also: ERR_NOT_FOUND where he has none. */
  async reset(user: string, { reason, ...write }: ResourceWrite): Promise<void> {
    if (!this.#factor.has(user)) throw noFactor(user);
    const said = reason === undefined || reason === '' ? '' : `: ${reason}`;
    await this.#users.signOutEverywhere(user, { ...write, reason: `second factor switched off${said}` });
    this.#factor.remove(user);
  }
}

function noFactor(user: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `${user.slice(0, 64)} has no second factor`,
    hint: 'There is nothing to switch off.',
    details: { what: `second factor of ${user.slice(0, 64)}` },
  });
}
