/**
 * The flags of configs, ready to be asked: compiled from what the journal says, and held until an entry touches them.
 * What is held may be old for a moment only where it is not handed out: speaks of journalled state alone.
 * @module
 */
import type { Audience } from '../config/audience.ts';
import { parseConfigName } from '../config/name.ts';
import { subjectOf } from '../config/streams.ts';
import { compileFlags, type CompiledFlags, type FlagSource } from '../flags/evaluation.ts';
import type { Entry } from '../journal/journal.ts';
import { redactedSeq } from '../journal/redaction.ts';

/** Some 10 KB for each flag with rules. */
const HELD_MAX = 1000;

export interface EvaluationsOptions {
  /** What the journal says of a config. Throws ERR_NOT_FOUND, ERR_NAME. */
  readonly source: (name: string) => Promise<FlagSource>;
  /** Whether everything that is on disk has been followed. */
  readonly isCurrent: () => boolean;
  /** A keyed hash of text: what leaves the process must not tell what was hashed. */
  readonly hash: (text: string) => string;
}

/** The flags of one config at one moment. */
export class ReadyFlags {
  readonly name: string;
  readonly compiled: CompiledFlags;
  readonly #hash: EvaluationsOptions['hash'];
  readonly #versions: Partial<Record<Audience, string>> = {};

  constructor(name: string, compiled: CompiledFlags, hash: EvaluationsOptions['hash']) {
    this.name = name;
    this.compiled = compiled;
    this.#hash = hash;
  }

  /** The same as long as all that `audience` sees is the same, also on other hosts and after a restart of this one. */
  version(audience: Audience): string {
    return (this.#versions[audience] ??= this.#hash(`${audience} ${this.compiled.meaning(audience)}`));
  }
}

interface Held {
  readonly flags: ReadyFlags;
  /** Dropped, and kept only so that what has not changed is not compiled again. */
  isOld: boolean;
}

/**
 * @example
 * const flags = evaluations.held('checkout/production') ?? (await evaluations.read('checkout/production'));
 * flags.compiled.evaluate('banner', { targetingKey: 'user-1' }, 'all');
 */
export class Evaluations {
  readonly #options: EvaluationsOptions;
  readonly #held = new Map<string, Held>();
  readonly #making = new Map<string, { readonly drops: number; readonly made: Promise<ReadyFlags> }>();
  /** Goes up when anything is dropped: what was read before must not count as current after. */
  #drops = 0;

  constructor(options: EvaluationsOptions) {
    this.#options = options;
  }

  /** What is held of a config, if that is what the journal says. */
  held(name: string): ReadyFlags | undefined {
    const held = this.#held.get(name);
    return held === undefined || held.isOld || !this.#options.isCurrent() ? undefined : held.flags;
  }

  /** Throws ERR_NOT_FOUND, ERR_NAME. */
  async read(name: string): Promise<ReadyFlags> {
    const held = this.held(name);
    if (held !== undefined) return held;
    if (!this.#options.isCurrent()) return await this.#make(name);
    const making = this.#making.get(name);
    if (making?.drops === this.#drops) return await making.made;
    const made = this.#make(name).finally(() => {
      if (this.#making.get(name)?.made === made) this.#making.delete(name);
    });
    this.#making.set(name, { drops: this.#drops, made });
    return await made;
  }

  /** Lets go of what the entries may have changed. */
  follow(entries: readonly Entry[]): void {
    this.#drops++;
    const isTouched = touchedBy(entries);
    for (const [name, held] of this.#held) if (isTouched(name)) held.isOld = true;
  }

  /** Lets go of everything. */
  forget(): void {
    this.#drops++;
    for (const held of this.#held.values()) held.isOld = true;
  }

  async #make(name: string): Promise<ReadyFlags> {
    const drops = this.#drops;
    const source = await this.#options.source(name);
    const compiled = compileFlags(source, this.#held.get(name)?.flags.compiled);
    const flags = new ReadyFlags(name, compiled, this.#options.hash);
    this.#hold(name, { flags, isOld: drops !== this.#drops });
    return flags;
  }

  #hold(name: string, held: Held): void {
    this.#held.delete(name);
    if (this.#held.size >= HELD_MAX) this.#held.delete(this.#held.keys().next().value!);
    this.#held.set(name, held);
  }
}

/** Whether the entries may have changed what a config's flags answer. */
export function touchedBy(entries: readonly Entry[]): (config: string) => boolean {
  if (entries.some((entry) => redactedSeq(entry) !== null)) return () => true;
  const configs = new Set<string>();
  const services = new Set<string>();
  for (const { stream } of entries) {
    const subject = subjectOf(stream);
    if (subject === null) continue;
    if ('config' in subject) configs.add(subject.config);
    else services.add(subject.service);
  }
  return (config) => configs.has(config) || services.has(parseConfigName(config).service);
}
