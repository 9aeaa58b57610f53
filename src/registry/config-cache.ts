/**
 * Configs as they are answered: rendered once for each revision, and held until an entry of the journal touches them.
 * Speaks of journalled state only, as every answer does.
 * @module
 */
import { configOfStream, parseConfigName, serviceOfStream } from '../config/name.ts';
import type { Entry } from '../journal/journal.ts';
import { redactedSeq } from '../journal/redaction.ts';
import type { ConfigOperations } from '../live/operations.ts';
import type { Figures } from '../metrics/figures.ts';
import { etagOf } from './conditions.ts';

/** About 1 KB each; names that do not exist are never held. */
const HELD_MAX = 10_000;

export interface RenderedConfig {
  readonly name: string;
  readonly revision: number;
  readonly etag: string;
  /** The JSON of a `ConfigView`. */
  readonly json: string;
  /** Of the JSON, in UTF-8. */
  readonly size_bytes: number;
}

export interface ConfigCacheOptions {
  readonly operations: ConfigOperations;
  /** The registry's own feature `cache_enabled`, looked at each time. */
  readonly isEnabled: () => boolean;
  /** Whether everything that is on disk has been followed. */
  readonly isCurrent: () => boolean;
  readonly reads: Pick<Figures['configReads'], 'memory' | 'journal'>;
}

export class ConfigCache {
  readonly #options: ConfigCacheOptions;
  readonly #held = new Map<string, RenderedConfig>();
  /** Goes up when anything is dropped: what was read before must not be held after. */
  #drops = 0;

  constructor(options: ConfigCacheOptions) {
    this.#options = options;
  }

  /** What is held of a config, if that is what the journal says. */
  held(name: string): RenderedConfig | undefined {
    const { isEnabled, isCurrent } = this.#options;
    return isEnabled() && isCurrent() ? this.#held.get(name) : undefined;
  }

  /** Throws ERR_NOT_FOUND, ERR_NAME. */
  async read(name: string): Promise<RenderedConfig> {
    const { reads } = this.#options;
    const held = this.held(name);
    if (held !== undefined) reads.memory.value++;
    else reads.journal.value++;
    return held ?? (await this.#render(name));
  }

  /** Lets go of what the entries may have changed. */
  follow(entries: readonly Entry[]): void {
    this.#drops++;
    for (const entry of entries) {
      if (redactedSeq(entry) !== null) return this.forget();
      const config = configOfStream(entry.stream);
      const service = serviceOfStream(entry.stream);
      if (config !== null) this.#held.delete(config);
      else if (service !== null) this.#dropService(service);
    }
  }

  forget(): void {
    this.#drops++;
    this.#held.clear();
  }

  async #render(name: string): Promise<RenderedConfig> {
    const drops = this.#drops;
    const config = await this.#options.operations.get(name);
    const { name: known, revision } = config;
    const json = JSON.stringify(config);
    const rendered = { name: known, revision, etag: etagOf(config), json, size_bytes: Buffer.byteLength(json) };
    if (drops === this.#drops && this.#options.isEnabled()) this.#hold(rendered);
    return rendered;
  }

  /** Names of features are in the answers of all environments of a service. */
  #dropService(service: string): void {
    for (const name of this.#held.keys()) if (parseConfigName(name).service === service) this.#held.delete(name);
  }

  #hold(rendered: RenderedConfig): void {
    if (this.#held.size >= HELD_MAX) this.#held.delete(this.#held.keys().next().value!);
    this.#held.set(rendered.name, rendered);
  }
}
