/**
 * What flags want bits to be, in memory: of every bound flag, whether the bit of the feature with its name is on. Keys
 * that are no feature's name any more are in it too. Learns from entries of the journal, and asks nobody.
 *
 * The registry's own config is left out: what it obeys, its maintenance above all, is changed as a bit.
 * @module
 */
import { subjectOf } from '../config/streams.ts';
import { isBoolean, wantedBit } from '../flags/bound.ts';
import { storedFlag } from '../flags/flag-input.ts';
import type { Entry } from '../journal/journal.ts';
import { valueIn } from '../journal/resources.ts';
import { REGISTRY_CONFIG } from './own-config.ts';

/** What a flag wants its bit to be; 'unknown': it is stored as this version cannot read it. */
type Want = boolean | 'unknown';

export class WantedBits {
  readonly #configs = new Map<string, Map<string, Want>>();
  readonly #onUnreadable: (config: string, key: string, error: unknown) => void;

  /** `onUnreadable` hears of each flag that cannot be read, whenever it is learned. */
  constructor(onUnreadable: (config: string, key: string, error: unknown) => void) {
    this.#onUnreadable = onUnreadable;
  }

  /** By key, of one config. Those that cannot be read are not in it: their bits stay what they are. */
  of(config: string): ReadonlyMap<string, boolean> {
    const wants = [...(this.#configs.get(config) ?? [])];
    return new Map(wants.filter((pair): pair is [string, boolean] => pair[1] !== 'unknown'));
  }

  /** Whether the bit of a feature of this name is for a flag to say, also for one that cannot be read. */
  binds(config: string, key: string): boolean {
    return this.#configs.get(config)?.has(key) === true;
  }

  /** Configs with such flags. */
  get configs(): Iterable<string> {
    return this.#configs.keys();
  }

  /** Forgets what is known; `all` are the flags of all configs as they are stored, by `<config>/<key>`. */
  replace(all: Iterable<{ readonly key: string; readonly value: unknown }>): void {
    this.#configs.clear();
    for (const { key: place, value } of all) {
      const end = place.lastIndexOf('/');
      this.#learnFlag(place.slice(0, end), place.slice(end + 1), () => value);
    }
  }

  /** The configs whose bits may not be as wanted after an entry. */
  learn(entry: Entry): readonly string[] {
    const subject = subjectOf(entry.stream);
    if (subject?.kind === 'features') return [...this.configs].filter((config) => isOf(config, subject.service));
    if (subject?.kind === 'config') return this.#configs.has(subject.config) ? [subject.config] : [];
    if (subject?.kind !== 'flag') return [];
    this.#learnFlag(subject.config, subject.key, () => valueIn(entry));
    return [subject.config];
  }

  /** `stored` answers null where there is no flag. */
  #learnFlag(config: string, key: string, stored: () => unknown): void {
    if (config === REGISTRY_CONFIG) return;
    let want: Want | null = 'unknown';
    try {
      want = wantOf(stored());
    } catch (error) {
      this.#onUnreadable(config, key, error);
    }
    this.#set(config, key, want);
  }

  #set(config: string, key: string, want: Want | null): void {
    const wants = this.#configs.get(config) ?? new Map<string, Want>();
    if (want !== null) wants.set(key, want);
    else wants.delete(key);
    if (wants.size === 0) this.#configs.delete(config);
    else this.#configs.set(config, wants);
  }
}

/** Whatever else writes to the journal may have given flags to what is no config: its name is not parsed. */
function isOf(config: string, service: string): boolean {
  return config === service || config.startsWith(`${service}/`);
}

function wantOf(stored: unknown): boolean | null {
  if (stored === null) return null;
  const flag = storedFlag(stored);
  return flag.isBound === true && isBoolean(flag) ? wantedBit(flag) : null;
}
