/**
 * What flags want bits to be, in memory: of every boolean flag, whether the bit of a feature with its name is on. Keys
 * that are no feature's name, or not yet, are in it too. Learns from entries of the journal, and asks nobody.
 *
 * The registry's own config is left out: what it obeys, its maintenance above all, is changed as a bit.
 * @module
 */
import { configOfStream, parseConfigName, serviceOfStream } from '../config/name.ts';
import { isBoolean, wantedBit } from '../flags/bound.ts';
import { storedFlag } from '../flags/flag-input.ts';
import type { Flag } from '../flags/flag.ts';
import type { Entry } from '../journal/journal.ts';
import { REGISTRY_CONFIG } from './own-config.ts';

const FLAG_STREAM = 'flag:';
const NONE: ReadonlyMap<string, boolean> = new Map();

export class WantedBits {
  readonly #configs = new Map<string, Map<string, boolean>>();

  /** By key, of one config. */
  of(config: string): ReadonlyMap<string, boolean> {
    return this.#configs.get(config) ?? NONE;
  }

  /** Configs with such flags. */
  get configs(): Iterable<string> {
    return this.#configs.keys();
  }

  /** Forgets what is known; `all` are the flags of all configs, by `<config>/<key>`. */
  replace(all: Iterable<{ readonly key: string; readonly value: Flag }>): void {
    this.#configs.clear();
    for (const { key, value } of all) this.#set(key, value);
  }

  /** The configs whose bits may not be as wanted after an entry. */
  learn({ stream, type, body }: Entry): readonly string[] {
    const service = serviceOfStream(stream);
    if (service !== null) return [...this.configs].filter((config) => parseConfigName(config).service === service);
    const config = configOfStream(stream);
    if (config !== null) return this.#configs.has(config) ? [config] : [];
    if (!stream.startsWith(FLAG_STREAM)) return [];
    return [this.#set(stream.slice(FLAG_STREAM.length), type === 'flag.put' && body !== null ? flagIn(body) : null)];
  }

  /** The config of `<config>/<key>`; keys hold no slash. */
  #set(place: string, flag: Flag | null): string {
    const end = place.lastIndexOf('/');
    const [config, key] = [place.slice(0, end), place.slice(end + 1)];
    const wanted = this.#configs.get(config) ?? new Map<string, boolean>();
    const isWanted = config !== REGISTRY_CONFIG && flag !== null && isBoolean(flag);
    if (isWanted) wanted.set(key, wantedBit(flag));
    else wanted.delete(key);
    if (wanted.size === 0) this.#configs.delete(config);
    else this.#configs.set(config, wanted);
    return config;
  }
}

function flagIn(body: Uint8Array): Flag {
  return storedFlag((JSON.parse(new TextDecoder().decode(body)) as { value: unknown }).value);
}
