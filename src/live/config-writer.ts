/**
 * What can be changed in an open config: one swap, visible at once to whoever shares its slot; then counted, queued for
 * the journal, and told to subscribers, in this order.
 * @module
 */
import { CHANGE_KIND, CONFIG_FIELD } from '../../bindings/abi.gen.ts';
import { FLAGS_WORD } from '../../bindings/cell-words.ts';
import type { SlotImage } from '../../bindings/backend.ts';
import type { BuiltinFeature } from '../config/features.ts';
import { parseField, wrongType } from '../config/input.ts';
import { noRollouts, parsePercent, withRollout } from '../config/rollout.ts';
import { applyTemplate, findTemplate } from '../config/templates.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG, decodeConfig, encodeConfig, fieldsOfMask } from '../config/value.ts';
import type { RegistryConfig } from '../config/value.ts';
import type { ChangeKind, ConfigState } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import { ConfigReader } from './config-reader.ts';
import type { OpenedConfig } from './opened.ts';
import type { ParsedOptions } from './options.ts';
import type { Past } from './past.ts';
import { Watch, type ChangeEvent, type Subscriber } from './watch.ts';
import { changedBetween, changedMaskOf } from './words-diff.ts';

const TERMINAL_WORD = 3;
const FLAGS_CHANGED = 1 << CONFIG_FIELD.feature_flags;
const TERMINAL_SHAPES = CONFIG_FIELDS.filter(({ name }) => /^(terminalMode|rows|cols)$/.test(name));

/** Errors of every change: ERR_CLOSED, ERR_BOARD; nothing has changed then. */
export class ConfigWriter<Name extends string = BuiltinFeature> extends ConfigReader<Name> {
  protected readonly past: Past;
  protected readonly log: ChangeLog | null;
  protected readonly actor: string;
  readonly #watch: Watch;
  /** What subscribers know. */
  #told: SlotImage;

  constructor(options: ParsedOptions, opened: OpenedConfig) {
    super(options, opened);
    this.past = opened.past;
    this.log = opened.log;
    this.actor = options.actor;
    this.#told = this.slot.read();
    this.#watch = new Watch(this.slot.place.kind === 'board', () =>
      this.slot.revision === this.#told.revision ? null : this.#changed('remote'),
    );
  }

  /** Turns a feature on for everyone. No revision is taken when it is on. Throws ERR_UNKNOWN_FEATURE. */
  enableFeature(feature: Name): void {
    const mask = this.maskOf(feature);
    this.#changeWord(FLAGS_WORD, ~mask, mask);
  }

  /** Turns a feature off for everyone; keys within its rollout keep it. Throws ERR_UNKNOWN_FEATURE. */
  disableFeature(feature: Name): void {
    this.#changeWord(FLAGS_WORD, ~this.maskOf(feature), 0);
  }

  /** Returns whether the feature is on now. Throws ERR_UNKNOWN_FEATURE. */
  toggleFeature(feature: Name): boolean {
    const mask = this.maskOf(feature);
    return (this.#changeWord(FLAGS_WORD, ~0, mask) & mask) !== 0;
  }

  /**
   * Several features in one change. Errors: ERR_UNKNOWN_FEATURE, ERR_WRONG_TYPE.
   * @example config.setFeatures({ debug: false, metrics: true })
   */
  setFeatures(features: Partial<Record<Name, boolean>>): void {
    let [on, off] = [0, 0];
    for (const [name, isOn] of Object.entries<unknown>(features)) {
      const mask = this.features.maskOf(name);
      if (typeof isOn !== 'boolean') throw wrongType(`features.${name}`, 'true or false', isOn);
      if (isOn) on |= mask;
      else off |= mask;
    }
    this.#changeWord(FLAGS_WORD, ~(on | off), on);
  }

  /**
   * Gives a feature to a share of keys, in percent (0-100, two decimals). A partial rollout leaves the feature off for
   * everyone else. Errors: ERR_UNKNOWN_FEATURE, ERR_OUT_OF_RANGE, ERR_WRONG_TYPE.
   * @example config.setRollout('new_checkout', 10)
   */
  setRollout(feature: Name, percent: number): void {
    const bit = this.features.bitOf(feature);
    const basisPoints = parsePercent(percent);
    this.changeState('update', (state) => ({ ...state, rollouts: withRollout(state.rollouts, bit, basisPoints) }));
  }

  /** Mode 0 disabled, 1 cooked, 2 raw, 3 pipe; rows and columns 1-255. Errors: ERR_OUT_OF_RANGE, ERR_WRONG_TYPE. */
  setTerminalSettings(mode: number, rows: number, cols: number): void {
    const [m, r, c] = [mode, rows, cols].map((value, i) => parseField(TERMINAL_SHAPES[i]!, value));
    this.#changeWord(TERMINAL_WORD, 0, m! | (r! << 8) | (c! << 16));
  }

  /**
   * Sets bits 0-11 and the terminal as the template says; the service's own features stay. Throws
   * ERR_UNKNOWN_TEMPLATE.
   */
  applyTemplate(template: string): void {
    const found = findTemplate(template, this.templates);
    this.changeConfig('template', (config) => applyTemplate(config, found));
  }

  /** Back to the defaults: version 1, no feature on, no rollout, a cooked terminal of 24 x 80. */
  reset(): void {
    const config = encodeConfig(DEFAULT_CONFIG);
    this.changeState('reset', (state) => ({ ...state, config, rollouts: noRollouts() }));
  }

  /**
   * Called after every change: of this process at once, of others within some milliseconds. Returns the way to stop. A
   * subscriber that throws stops nobody else: its error surfaces as an uncaught one. Throws ERR_CLOSED.
   */
  subscribe(subscriber: Subscriber): () => void {
    this.slot.guard();
    if (typeof subscriber !== 'function') throw wrongType('subscriber', 'a function', subscriber);
    if (!this.#watch.isWatched) this.#told = this.slot.read();
    return this.#watch.subscribe(subscriber);
  }

  protected changeConfig(kind: ChangeKind, change: (config: RegistryConfig) => RegistryConfig): void {
    this.changeState(kind, (state) => ({ ...state, config: encodeConfig(change(decodeConfig(state.config))) }));
  }

  protected changeState(kind: ChangeKind, change: (state: ConfigState) => ConfigState, reason = ''): void {
    const swapped = this.slot.swap({ kind }, change);
    if (swapped === null) return;
    const { at, before, after } = swapped;
    const { mask, rollouts } = changedBetween(before, after);
    const [flagsBefore, flagsAfter] = [before, after].map(({ config }) => decodeConfig(config).featureFlags);
    this.counter.recordMasks(at, mask, flagsBefore!, flagsAfter!, rollouts);
    this.past.remember();
    this.log?.record(swapped, { actor: this.actor, reason });
    this.tell('local');
  }

  /** Tells subscribers what is different from what they know, if anything is. */
  protected tell(origin: ChangeEvent['origin']): void {
    if (!this.#watch.isWatched) return;
    const event = this.#changed(origin);
    if (event !== null) this.#watch.tell(event);
  }

  protected stopWatching(): void {
    this.#watch.close();
  }

  /** Makes a word of the cell `(word & keep) ^ flip`, and returns what it is then. */
  #changeWord(index: number, keep: number, flip: number): number {
    const revision = this.slot.swapWord(CHANGE_KIND.update, index, keep, flip);
    const { before, after } = this.slot.lastSwap;
    const changed = after[index]!;
    if (revision === 0) return changed;
    const at = this.slot.modifiedAt;
    const fields = index === FLAGS_WORD ? FLAGS_CHANGED : changedMaskOf(before, after);
    this.counter.recordMasks(at, fields, before[FLAGS_WORD]!, after[FLAGS_WORD]!, 0);
    this.past.remember();
    if (this.log !== null) {
      const swapped = this.slot.describeLastSwap(revision, 'update', at);
      this.log.record(swapped, { actor: this.actor, reason: '' });
    }
    this.tell('local');
    return changed;
  }

  #changed(origin: ChangeEvent['origin']): ChangeEvent | null {
    const image = this.slot.read();
    const { mask } = changedBetween(this.#told, image);
    this.#told = image;
    if (mask === 0) return null;
    return { revision: image.revision, config: decodeConfig(image.config), changedFields: fieldsOfMask(mask), origin };
  }
}
