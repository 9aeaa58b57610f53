/**
 * Bits that follow a flag: a boolean flag whose key is the name of a feature says what the feature's bit is, and nobody
 * else does. Refuses direct writes of such bits, and puts right what another process has made of them: at most once for
 * each change that is not ours, so that nothing goes in a circle.
 * @module
 */
import type { FeatureSet } from '../config/features.ts';
import { configOfStream } from '../config/name.ts';
import { CREATION_SECTION, DELETION_SECTION } from '../config/sections.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { isBoolean } from '../flags/bound.ts';
import type { Flag } from '../flags/flag.ts';
import type { Flags } from '../flags/flags.ts';
import type { Entry } from '../journal/journal.ts';
import { redactedSeq } from '../journal/redaction.ts';
import type { ConfigOperations } from '../live/operations.ts';
import { bitChange } from './bit-change.ts';
import { REGISTRY_ACTOR } from './bootstrap.ts';
import { REGISTRY_CONFIG } from './own-config.ts';
import { WantedBits } from './wanted-bits.ts';

const SECTION = 'feature:';

/** Whether the bit of a feature follows this flag of a config. `features`: those of its service. */
export function isBound(config: string, key: string, flag: Flag, features: FeatureSet): boolean {
  return config !== REGISTRY_CONFIG && features.has(key) && flag.isBound === true && isBoolean(flag);
}

export interface BoundFeaturesOptions {
  readonly operations: ConfigOperations;
  readonly flags: Pick<Flags, 'everywhere'>;
  /** Hears why a bit could not be put right, once until it is another reason; it is tried again by `look`. */
  readonly onFailure: (failure: string) => void;
}

/**
 * @example
 * const bound = new BoundFeatures({ operations, flags, onFailure: log });
 * await bound.load();
 * bound.check('config:checkout', ['feature:metrics']); // throws ERR_FORBIDDEN while there is a flag `checkout/metrics`
 */
export class BoundFeatures {
  readonly #options: BoundFeaturesOptions;
  readonly #wanted: WantedBits;
  /** Configs to be looked at. */
  readonly #dirty = new Set<string>();
  /** Those that could not be put right. */
  readonly #failed = new Set<string>();
  #isToLoad = false;
  /** What was told while all flags are being read; null: they are not. */
  #told: Entry[] | null = null;
  #work: Promise<void> | null = null;
  #lastFailure = '';
  #isClosed = false;

  constructor(options: BoundFeaturesOptions) {
    this.#options = options;
    this.#wanted = new WantedBits((config, key, error) => {
      options.onFailure(`the flag '${key}' of ${config} cannot be read: ${String(error)}`);
    });
  }

  /** Reads all flags, and puts right what changed while nobody looked. To be called before the first `follow`. */
  async load(): Promise<void> {
    this.#isToLoad = true;
    await this.look();
  }

  /**
   * Throws ERR_FORBIDDEN (rule `bound`) for a write that touches a bound bit or its rollout. Who makes or deletes a
   * whole config is let through: the bits of a new one are put right at once.
   */
  check(stream: string, touched: readonly string[]): void {
    const config = configOfStream(stream);
    if (config === null || touched.includes(CREATION_SECTION) || touched.includes(DELETION_SECTION)) return;
    for (const section of touched) {
      const feature = section.startsWith(SECTION) ? section.slice(SECTION.length) : '';
      if (this.binds(config, feature)) throw isBoundTo(config, feature);
    }
  }

  /** Whether a flag of a config says what the feature of its name is. */
  binds(config: string, feature: string): boolean {
    return this.#wanted.binds(config, feature);
  }

  /** Learns from new entries of the journal, in their order. */
  follow(entries: readonly Entry[]): void {
    this.#told?.push(...entries);
    for (const entry of entries) this.#learn(entry);
    this.#begin();
  }

  /** Reads all flags again. */
  forget(): void {
    this.#isToLoad = true;
    this.#begin();
  }

  /** Tries again what failed; resolves when all is put right that can be. To be called about once a second. */
  async look(): Promise<void> {
    for (const config of this.#failed) this.#dirty.add(config);
    this.#failed.clear();
    this.#begin();
    while (this.#work !== null) await this.#work;
  }

  /** Puts nothing right any more; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  #learn(entry: Entry): void {
    // What an erased entry said has to be read from those before it.
    if (redactedSeq(entry) !== null) this.#isToLoad = true;
    for (const config of this.#wanted.learn(entry)) this.#dirty.add(config);
  }

  #begin(): void {
    if (this.#isClosed || this.#work !== null || (this.#dirty.size === 0 && !this.#isToLoad)) return;
    this.#work = this.#run().finally(() => {
      this.#work = null;
      // Told of after the last look.
      if (this.#dirty.size > 0) this.#begin();
    });
  }

  async #run(): Promise<void> {
    if (this.#isToLoad) await this.#attempt(() => this.#loadAll());
    for (const config of this.#dirty) {
      this.#dirty.delete(config);
      if (!(await this.#attempt(() => this.#correct(config)))) this.#failed.add(config);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#lastFailure = '';
      return true;
    } catch (error) {
      const failure = String(error);
      if (failure !== this.#lastFailure) this.#options.onFailure(failure);
      this.#lastFailure = failure;
      return false;
    }
  }

  async #loadAll(): Promise<void> {
    this.#isToLoad = false;
    const told: Entry[] = (this.#told = []);
    try {
      this.#wanted.replace(await this.#options.flags.everywhere());
    } catch (error) {
      this.#isToLoad = true;
      throw error;
    } finally {
      this.#told = null;
    }
    // They are newer than what was read, or already in it.
    for (const entry of told) this.#learn(entry);
    for (const config of this.#wanted.configs) this.#dirty.add(config);
  }

  async #correct(config: string): Promise<void> {
    const change = await bitChange(this.#options.operations.store, config, this.#wanted.of(config));
    if (change === null) return;
    const { keys, input, revision } = change;
    const reason = `bound to ${keys.length === 1 ? 'flag' : 'flags'} ${keys.join(', ')}`;
    const write = { actor: REGISTRY_ACTOR, reason, force: true, expected: revision };
    try {
      await this.#options.operations.set(config, input, write);
    } catch (error) {
      // Somebody was faster: his entry brings us here again.
      if (!isConfigError(error) || !['ERR_REVISION_CONFLICT', 'ERR_NOT_FOUND'].includes(error.code)) throw error;
    }
  }
}

function isBoundTo(config: string, feature: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `The feature '${feature}' of ${config} is bound to the flag of the same name`,
    hint: `Change the flag (PATCH /api/v1/configs/${encodeURIComponent(config)}/flags/${feature}), or delete it.`,
    details: { rule: 'bound' },
  });
}
