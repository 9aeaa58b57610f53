/**
 * The states of one config as the journal has them: now, at a revision, and after an entry. Speaks of nothing that is
 * not in the journal; knows no audience.
 * @module
 */
import { decodeConfig, type RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Entry, Journal } from '../journal/journal.ts';
import { decodeChange } from '../live/change.ts';
import { configsProjection, rolloutsOf, type StoredState } from '../live/projection.ts';

export interface ConfigState {
  readonly revision: number;
  readonly config: RegistryConfig;
  /** Basis points by bit. */
  readonly rollouts: Uint16Array;
  readonly rolloutsRevision: number;
  /** Nobody has made it again since. */
  readonly isDeleted: boolean;
}

export class ConfigStates {
  readonly #journal: Pick<Journal, 'query'>;
  readonly #name: string;

  constructor(journal: Pick<Journal, 'query'>, name: string) {
    this.#journal = journal;
    this.#name = name;
  }

  /** Errors: ERR_NOT_FOUND, those of the journal. */
  async now(): Promise<ConfigState> {
    const stored = await this.#journal.query(configsProjection, 'state', this.#name);
    if (stored === null) throw noConfig(this.#name);
    return stateOf(stored);
  }

  /** null: the journal has nothing of it. */
  async at(revision: number): Promise<ConfigState | null> {
    const stored = await this.#journal.query(configsProjection, 'stateAt', { name: this.#name, revision });
    return stored?.revision === revision ? stateOf(stored) : null;
  }

  /** After an entry of this config, at once where that says all; `known` itself, where it is nothing new. */
  after(known: ConfigState, { seq, type, body, revision }: Entry): ConfigState | Promise<ConfigState> {
    // An erased one has changed nothing since it was told of.
    if (body === null) return known;
    const { kind, after } = decodeChange(seq, type, body);
    const { config, rollouts, rolloutsRevision } = after;
    // What counts as making a deleted one again, the journal knows.
    const isNext = revision === known.revision + 1 && !known.isDeleted;
    if (isNext && rolloutsRevision >= known.rolloutsRevision && rolloutsRevision <= revision) {
      return { revision, config: decodeConfig(config), rollouts, rolloutsRevision, isDeleted: kind === 'delete' };
    }
    if (revision <= known.revision && rolloutsRevision <= known.rolloutsRevision) return known;
    // Entries came out of order, or one is missing: the journal knows what that comes to.
    return this.now();
  }
}

export function noConfig(name: string): ConfigError<'ERR_NOT_FOUND'> {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no config '${name}'`,
    hint: 'List the configs to see their names, or make it: c13 set, or POST /api/v1/configs.',
    details: { what: `config ${name}` },
  });
}

function stateOf({ revision, config, rollouts, rolloutsRevision, isDeleted }: StoredState): ConfigState {
  return { revision, config: decodeConfig(config), rollouts: rolloutsOf(rollouts), rolloutsRevision, isDeleted };
}
