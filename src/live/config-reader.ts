/**
 * What can be read of an open config: plain loads from its slot, and judgements made of them. Changes nothing; the
 * parts that do are `ConfigWriter` and `ProductionConfig`.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';
import { FLAGS_WORD } from '../../bindings/cell-words.ts';
import type { Analytics, AnalyticsCounter } from '../config/analytics.ts';
import { debugView, inspectorView, type DebugSource, type DebugView } from '../config/debug-view.ts';
import type { BuiltinFeature, FeatureSet } from '../config/features.ts';
import { wrongType } from '../config/input.ts';
import { enhanceConfig, type ConfigPlace, type EnhancedConfig } from '../config/metadata.ts';
import { percentOf } from '../config/rollout.ts';
import type { Template } from '../config/templates.ts';
import { validate, validateInput, type Rule, type Validation } from '../config/validation.ts';
import { decodeConfig, type RegistryConfig } from '../config/value.ts';
import type { ConfigSlot } from './config-slot.ts';
import { featureMasks, featurePlaces, flagsOver, isOnFor, NO_MASKS, rolloutAt } from './feature-reader.ts';
import type { ByFeature, FeaturePlace, Flags } from './feature-reader.ts';
import type { OpenedConfig } from './opened.ts';
import type { ParsedOptions } from './options.ts';
import { placeRules } from './place-rules.ts';

export class ConfigReader<Name extends string = BuiltinFeature> implements RegistryConfig {
  /** One getter per feature, each a load and a bit test. In a loop without any call use `fresh()`. */
  readonly flags: Flags<Name>;
  /** `checkout/production` */
  readonly name: string;
  readonly features: FeatureSet;
  readonly templates: readonly Template[];
  protected readonly slot: ConfigSlot;
  protected readonly counter: AnalyticsCounter;
  readonly #backend: Backend;
  readonly #place: ConfigPlace;
  readonly #rules: readonly Rule[];
  readonly #masks: ByFeature<number>;
  readonly #places: ByFeature<FeaturePlace>;
  readonly #isCounting: boolean;

  constructor(options: ParsedOptions, { backend, slot, features, counter }: OpenedConfig) {
    this.name = options.name;
    this.features = features;
    this.templates = options.templates;
    this.slot = slot;
    this.counter = counter;
    this.#backend = backend;
    this.#place = options.place;
    this.#rules = [...options.rules, ...placeRules(backend, slot, options.place)];
    this.#isCounting = options.debugMode;
    this.#masks = options.debugMode ? NO_MASKS : featureMasks(features);
    this.#places = featurePlaces(features);
    this.flags = flagsOver(slot, features, options.debugMode ? counter : null);
  }

  /** On for everyone? A load and a bit test. Throws ERR_UNKNOWN_FEATURE. */
  isFeatureEnabled(feature: Name): boolean {
    const mask = this.#masks[feature];
    if (mask === undefined) return this.#countedRead(feature);
    return (this.slot.words[FLAGS_WORD]! & mask) !== 0;
  }

  /**
   * On for this key: the feature is on for everyone, or its rollout covers the key. Sticky (the same key gets the same
   * answer) and monotone (a higher percentage keeps everybody). Errors: ERR_UNKNOWN_FEATURE, ERR_WRONG_TYPE (the key is
   * text).
   * @example if (config.isEnabledFor('new_checkout', user.id)) renderNewCheckout();
   */
  isEnabledFor(feature: Name, key: string): boolean {
    // `bitOf` throws what tells an unknown feature best.
    const place = this.#places[feature] ?? this.#places[this.features.nameOf(this.features.bitOf(feature))]!;
    if (typeof key !== 'string') throw wrongType('key', 'text', key);
    if (this.#isCounting) this.counter.recordEvaluation(place.bit);
    return isOnFor(this.slot.words, place, key);
  }

  /** Percent, 0-100. Throws ERR_UNKNOWN_FEATURE. */
  getRollout(feature: Name): number {
    return percentOf(rolloutAt(this.slot.words, this.features.bitOf(feature)));
  }

  /**
   * Makes the next reads see the latest write even in a loop without calls, where an engine may keep a plain load in a
   * register. Costs an atomic load; returns this config.
   * @example while (!config.fresh().flags.maintenance_mode) work();
   */
  fresh(): this {
    Atomics.load(this.slot.words, FLAGS_WORD);
    return this;
  }

  /** All six fields of one moment. */
  get config(): RegistryConfig {
    return decodeConfig(this.slot.config());
  }

  /** Goes up by one with every change, by anybody. */
  get revision(): number {
    return this.slot.revision;
  }

  /** 0 legacy, 1 modern. */
  get version(): number {
    return this.slot.words[0]! >>> 24;
  }

  /** MurmurHash3 of the registry's URL, unsigned. */
  get registryHash(): number {
    return this.slot.words[1]!;
  }

  /** 32 bits, unsigned; bit i is feature i. */
  get featureFlags(): number {
    return this.slot.words[FLAGS_WORD]!;
  }

  /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
  get terminalMode(): number {
    return this.slot.words[3]! & 0xff;
  }

  /** 1-255. */
  get rows(): number {
    return (this.slot.words[3]! >>> 8) & 0xff;
  }

  /** 1-255. */
  get cols(): number {
    return (this.slot.words[3]! >>> 16) & 0xff;
  }

  /** The config with when it changed (ms since 1970), its checksum (16 hex digits) and where it lives. */
  getEnhancedConfig(): EnhancedConfig {
    const { config, modifiedAt } = this.slot.read();
    return this.enhanced(config, modifiedAt);
  }

  /** Errors and warnings, of this config or of a partial one filled from it. Never throws, never changes anything. */
  validate(partial?: unknown): Validation {
    const { config, rollouts } = this.slot.read();
    const context = { features: this.features, environment: this.#place.environment, name: this.name, rollouts };
    if (partial === undefined) return validate(decodeConfig(config), context, this.#rules);
    return validateInput(partial, decodeConfig(config), context, this.#rules);
  }

  /** Human-readable, as data. @example config.getDebugView().terminal.dimensions // '24x80' */
  getDebugView(): DebugView {
    return debugView(this.#debugSource());
  }

  /**
   * Counts of changes by feature and field: all of the journal when the config opened, and what this process did since
   * (in memory: only the latter). Evaluations are counted while `debugMode` is on. Times in ms since 1970, intervals in
   * ms.
   */
  getAnalytics(): Analytics {
    return this.counter.snapshot(this.features);
  }

  /** What `console.log(config)` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inspectorView(this.#debugSource());
  }

  /** What `JSON.stringify(config)` writes. */
  toJSON(): EnhancedConfig {
    return this.getEnhancedConfig();
  }

  protected enhanced(config: Uint8Array, modifiedAt: number): EnhancedConfig {
    return enhanceConfig(decodeConfig(config), this.#place, modifiedAt, this.#backend);
  }

  /** One bit, as a signed number. Throws ERR_UNKNOWN_FEATURE. */
  protected maskOf(feature: Name): number {
    return this.#masks[feature] ?? this.features.maskOf(feature);
  }

  #countedRead(feature: Name): boolean {
    const bit = this.features.bitOf(feature);
    this.counter.recordEvaluation(bit);
    return (this.slot.words[FLAGS_WORD]! & (1 << bit)) !== 0;
  }

  #debugSource(): DebugSource {
    const { config, revision, rollouts } = this.slot.read();
    const { features, name } = this;
    return { config: decodeConfig(config), features, name, revision, rollouts, validation: this.validate() };
  }
}
