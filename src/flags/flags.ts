/**
 * The rich flags of all configs, kept in the journal: made, changed, archived and deleted here, and nowhere else. What
 * they answer is `evaluation.ts`; the bit of a bound flag is written by whoever writes configs.
 * @module
 */
import { checkFeatureName, type FeatureSet } from '../config/features.ts';
import { parseConfigName } from '../config/name.ts';
import type { RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Journal, NewEntry } from '../journal/journal.ts';
import { Resources, retried, type Resource, type ResourceWrite } from '../journal/resources.ts';
import { checkDefinition, parseFlagKey, parseFlagSet } from './definition.ts';
import type { FlagSource } from './evaluation.ts';
import { parseFacts } from './facts.ts';
import { flagFault } from './fault.ts';
import { type Flag, type FlagFacts, type FlagSet, NO_FACTS } from './flag.ts';
import { changedFlag, type FlagChange } from './flag-change.ts';
import { storedFacts, storedFlag, storedSet } from './flag-input.ts';
import { type ConfigFlags, HeldFlags } from './held-flags.ts';
import { hasReferences } from './references.ts';
import { checkTotalCost, flagCost } from './total-cost.ts';
import { Turns } from './turns.ts';

/** Of one config, archived ones too. */
export const FLAGS_MAX = 5_000;

export interface FlagWrite extends ResourceWrite {
  /** Whether the service has a feature of this name: a flag called so is bound to its bit. */
  readonly isFeature: (name: string) => boolean;
}

/** The flag before and after a change that has not been made: null where there is none. */
export interface PlannedFlag {
  readonly before: Resource<Flag> | null;
  readonly after: Flag | null;
}

/**
 * In what is returned, `key` is the flag's own, without its config. `config` is always a config's name: ERR_NAME for
 * what is none.
 */
export class Flags {
  readonly #flags: Resources<Flag>;
  readonly #stored: Resources<unknown>;
  readonly #sets: Resources<FlagSet>;
  readonly #facts: Resources<FlagFacts>;
  readonly #held: HeldFlags;

  /** `head` says how far the journal is, in one load. */
  constructor(journal: Journal, head: () => number) {
    this.#flags = new Resources(journal, 'flag', storedFlag);
    this.#stored = new Resources(journal, 'flag', (value) => value);
    this.#sets = new Resources(journal, 'flagset', storedSet);
    this.#facts = new Resources(journal, 'feature', storedFacts);
    this.#held = new HeldFlags({ journal, head, flags: this.#flags, sets: this.#sets, facts: this.#facts });
  }

  /** All of a config, archived ones too, by key, ascending. */
  async all(config: string): Promise<Resource<Flag>[]> {
    const { resources } = await this.#ofConfig(config);
    return [...resources.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Those of all configs as they are stored, also what this version cannot read; `key` is `<config>/<key>`. Reads the
   * journal.
   */
  async everywhere(): Promise<Resource<unknown>[]> {
    return await this.#stored.all();
  }

  async find(config: string, key: string): Promise<Resource<Flag> | null> {
    // With a '/' it would be the flag of another config.
    const found = key.includes('/') ? null : await this.#flags.find(placeOf(config, key));
    return found === null ? null : { ...found, key };
  }

  /** Throws ERR_NOT_FOUND. */
  async get(config: string, key: string): Promise<Resource<Flag>> {
    const found = await this.find(config, key);
    if (found === null) throw notFound(config, key);
    return found;
  }

  /**
   * Makes, changes, archives, restores or deletes a flag. The flag as it is then, null when it is gone. Errors:
   * ERR_FLAG_INVALID, those of `parseFacts`, ERR_NOT_FOUND (but for `put`), ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE.
   * @example await flags.change('shop', 'banner', { kind: 'put', input: { definition } }, { actor: 'ann', isFeature })
   */
  async change(config: string, key: string, change: FlagChange, write: FlagWrite): Promise<Resource<Flag> | null> {
    const place = placeOf(config, key);
    return await retried(write, async () => {
      const { before, after } = await this.plan(config, key, change, write);
      const expected = write.expected ?? before?.revision ?? 0;
      if (after !== null) return { ...(await this.#flags.put(place, after, { ...write, expected })), key };
      await this.#flags.delete(place, { ...write, expected });
      return null;
    });
  }

  /** What a change would make, all of it checked. Errors: those of the change, but for the journal's. */
  async plan(config: string, key: string, change: FlagChange, write: FlagWrite): Promise<PlannedFlag> {
    parseFlagKey(key);
    const before = change.kind === 'put' ? await this.find(config, key) : await this.get(config, key);
    const { set, flags } = await this.#ofConfig(config);
    if (before === null && flags.size >= FLAGS_MAX) throw tooMany(key, config);
    const after = changedFlag(key, change, before?.value ?? null, set, write.isFeature(key));
    const costBefore = before === null ? 0 : flagCost(key, before.value, set);
    if (after !== null && flagCost(key, after, set) > costBefore)
      await this.checkTotal(config, new Map([[key, after]]));
    return { before, after };
  }

  /**
   * Whether all flags of a config can be asked for at once, with those that are written together. Throws
   * ERR_FLAG_INVALID.
   */
  async checkTotal(config: string, written: ReadonlyMap<string, Flag>): Promise<void> {
    const { flags, set } = await this.#ofConfig(config);
    await checkTotalCost(written.keys().next().value ?? '$set', new Map([...flags, ...written]), set);
  }

  /** The entry that a change would append, for an append of several things at once. Errors: those of the change. */
  async entryOf(config: string, key: string, change: FlagChange, write: FlagWrite): Promise<NewEntry> {
    const { before, after } = await this.plan(config, key, change, write);
    const place = placeOf(config, key);
    const expected = write.expected ?? before?.revision ?? 0;
    if (after === null) return await this.#flags.deleteEntry(place, { ...write, expected });
    return await this.#flags.putEntry(place, after, { ...write, expected });
  }

  /** What the flags of a config share; null: it has never been put. */
  async findSet(config: string): Promise<Resource<FlagSet> | null> {
    return await this.#sets.find(parseConfigName(config).name);
  }

  /**
   * Makes or replaces what the flags of a config share. Errors: ERR_FLAG_INVALID, also for a flag in use that it would
   * break; ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE.
   */
  async putSet(config: string, input: unknown, write: ResourceWrite): Promise<Resource<FlagSet>> {
    const set = await this.#checkedSet(config, input);
    return await this.#sets.put(config, set, write);
  }

  /** As `entryOf`, of `putSet`. */
  async setEntryOf(config: string, input: unknown, write: ResourceWrite): Promise<NewEntry> {
    return await this.#sets.putEntry(config, await this.#checkedSet(config, input), write);
  }

  /** What is said about the features of a service, by name. */
  async facts(service: string): Promise<ReadonlyMap<string, FlagFacts>> {
    return await this.#held.facts(parseConfigName(service).service);
  }

  /** What is said about one feature; null: nothing ever was. */
  async findFacts(service: string, feature: string): Promise<Resource<FlagFacts> | null> {
    const found = await this.#facts.find(factsPlace(service, feature));
    return found === null ? null : { ...found, key: feature };
  }

  /**
   * Says something about a feature; what is left out stays. Errors: those of `parseFacts`, ERR_FEATURE_NAME,
   * ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE.
   */
  async putFacts(service: string, feature: string, input: unknown, write: ResourceWrite): Promise<Resource<FlagFacts>> {
    const place = factsPlace(service, feature);
    return await retried(write, async () => {
      const before = await this.#facts.find(place);
      const facts = parseFacts(input, before?.value ?? NO_FACTS);
      const expected = write.expected ?? before?.revision ?? 0;
      return { ...(await this.#facts.put(place, facts, { ...write, expected })), key: feature };
    });
  }

  /**
   * All that the answers of a config depend on, for `compileFlags`. Flags that have not changed since are the same
   * objects as before; held in memory while the journal has not moved.
   */
  async sourceOf(
    config: string,
    parts: { readonly features: FeatureSet; readonly config: RegistryConfig; readonly rollouts: Uint16Array },
  ): Promise<FlagSource> {
    const { flags, set } = await this.#ofConfig(config);
    return { ...parts, flags, set, facts: await this.facts(config) };
  }

  async #ofConfig(config: string): Promise<ConfigFlags> {
    return await this.#held.config(parseConfigName(config).name);
  }

  async #checkedSet(config: string, input: unknown): Promise<FlagSet> {
    const set = parseFlagSet(input);
    const { flags } = await this.#ofConfig(config);
    const turns = new Turns();
    for (const [key, { definition, archivedAt }] of flags) {
      if (archivedAt !== null || !hasReferences(definition.targeting)) continue;
      checkDefinition(key, definition, set.evaluators);
      if (turns.isOver) await turns.next();
    }
    await checkTotalCost('$set', flags, set);
    return set;
  }
}

function placeOf(config: string, key: string): string {
  return `${parseConfigName(config).name}/${key}`;
}

function factsPlace(service: string, feature: string): string {
  checkFeatureName(feature);
  return `${parseConfigName(service).service}/${feature}`;
}

function notFound(config: string, key: string): ConfigError {
  const shown = key.slice(0, 100);
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no flag '${shown}' in '${config}'`,
    hint: 'List the flags of the config to see what there is.',
    details: { what: `flag ${config}/${shown}` },
  });
}

function tooMany(key: string, config: string): ConfigError {
  const fault = `'${config}' has ${FLAGS_MAX} flags already`;
  return flagFault(key, '', fault, 'Delete those that nobody asks for any more: c13 flags stale.');
}
