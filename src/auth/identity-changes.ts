/**
 * The one way in which users, grants and tokens change: steps that were decided on a state, checked against the rules
 * that hold over all of them, appended together or not at all. What another process did meanwhile makes the decision
 * again, on the state that it left.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Entry, Journal, NewEntry } from '../journal/journal.ts';
import type { Resource, Resources, ResourceWrite } from '../journal/resources.ts';
import { ORDER, type Identities, type IdentityState } from './identities.ts';
import { checkRules } from './identity-rules.ts';
import type { HeldGrant, Token, User } from './identity-values.ts';

const ATTEMPTS_MAX = 20;

interface StepOf<K extends string, V> {
  readonly kind: K;
  readonly key: string;
  /** null: it goes. */
  readonly value: V | null;
}

export type Step = StepOf<'user', User> | StepOf<'grant', HeldGrant> | StepOf<'token', Token>;

/** The steps, the one that `write.expected` speaks of first. May be asked again. Throws to refuse. */
export type Plan = (state: IdentityState) => readonly Step[] | Promise<readonly Step[]>;

export class IdentityChanges {
  readonly #journal: Journal;
  readonly #identities: Identities;

  constructor(journal: Journal, identities: Identities) {
    this.#journal = journal;
    this.#identities = identities;
  }

  /**
   * Appends what `plan` says, and resolves with the entry of its first step once it is durable and this process knows
   * it. Errors: ERR_REVISION_CONFLICT when the first step's resource is not at `write.expected`, those of the rules,
   * of the plan and of the journal; nothing has changed then.
   */
  async make(write: ResourceWrite, plan: Plan): Promise<Entry> {
    for (let attempts = 1; ; attempts++) {
      const state = await this.#identities.newest();
      const steps = await plan(state);
      checkRules(state, steps);
      try {
        const [, first] = await this.#journal.append(await this.#entries(state, steps, write));
        await this.#identities.newest();
        return first!;
      } catch (error) {
        if (!isOutrun(error) || attempts === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #entries(state: IdentityState, steps: readonly Step[], write: ResourceWrite): Promise<NewEntry[]> {
    const { actor, reason = '' } = write;
    const body = new Uint8Array(0);
    const order = { stream: ORDER, type: 'identities.changed', actor, reason, body, expected: state.revision };
    const entries: NewEntry[] = [order];
    for (const [index, step] of steps.entries()) {
      entries.push(await this.#entry(step, index === 0 ? write : { actor, reason }));
    }
    return entries;
  }

  async #entry(step: Step, write: ResourceWrite): Promise<NewEntry> {
    const resources = this.#identities[`${step.kind}s`] as Resources<Step['value'] & object>;
    if (step.value === null) return await resources.deleteEntry(step.key, write);
    return await resources.putEntry(step.key, step.value, write);
  }
}

/** Of a map of the state. Throws ERR_NOT_FOUND. */
export function found<T>(what: 'user' | 'grant' | 'token', key: string, among: ReadonlyMap<string, Resource<T>>): T {
  const resource = among.get(key);
  if (resource !== undefined) return resource.value;
  const shown = key.slice(0, 80);
  throw new ConfigError('ERR_NOT_FOUND', {
    message: `There is no ${what} ${JSON.stringify(shown)}`,
    hint: 'List them to see what there is.',
    details: { what: `${what} ${shown}` },
  });
}

/** Another change came first: what was decided may not hold any more. */
function isOutrun(error: unknown): boolean {
  return isConfigError(error) && error.code === 'ERR_REVISION_CONFLICT' && error.details.stream === ORDER;
}
