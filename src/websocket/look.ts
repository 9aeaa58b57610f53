/**
 * How one audience looks at a config at one moment: what its features are called, which of them it sees, and its rich
 * flags. Decides nothing: what is visible is said by whoever owns the flags.
 * @module
 */
import type { Audience } from '../config/audience.ts';
import type { FeatureSet } from '../config/features.ts';
import { subjectOf } from '../config/streams.ts';
import { JOURNAL_STREAM } from '../journal/journal.ts';
import type { ConfigPatch, FeatureNames } from './subprotocol.ts';

/** What the owner of the flags says. */
export interface Visible {
  readonly features: FeatureSet;
  /** Bits that are seen, u32. */
  readonly mask: number;
  /** Keys of the rich flags that are seen. */
  readonly flags: readonly string[];
}

export type LookSource = (name: string, audience: Audience) => Promise<Visible>;

/** The key of a flag of this config that a stream is about; null: all of them, as of an erasure; undefined: none. */
export function flagKeyOf(stream: string, config: string): string | null | undefined {
  if (stream === JOURNAL_STREAM) return null;
  const subject = subjectOf(stream);
  if (subject === null || !('config' in subject) || subject.config !== config) return undefined;
  if (subject.kind === 'flagset') return null;
  return subject.kind === 'flag' ? subject.key : undefined;
}

export class Look implements Visible {
  readonly audience: Audience;
  readonly features: FeatureSet;
  readonly mask: number;
  readonly flags: readonly string[];
  /** Of the features that are seen. */
  readonly names: FeatureNames;

  constructor(audience: Audience, { features, mask, flags }: Visible) {
    this.audience = audience;
    this.features = features;
    this.mask = audience === 'all' ? 0xffff_ffff : mask >>> 0;
    this.flags = flags;
    const bits = features.names.map((name) => [name, features.bitOf(name)] as const);
    this.names = Object.fromEntries(bits.filter(([, bit]) => ((this.mask >>> bit) & 1) === 1));
  }

  static async read(source: LookSource, name: string, audience: Audience): Promise<Look> {
    return new Look(audience, await source(name, audience));
  }

  namesAre(other: Look): boolean {
    return JSON.stringify(this.names) === JSON.stringify(other.names);
  }

  /** Of the flags that entries touched (null: all), those that are seen, or were before. */
  touched(keys: readonly (string | null)[], past: Look): readonly string[] {
    const seen = new Set([...past.flags, ...this.flags]);
    if (keys.includes(null)) return [...seen].toSorted();
    return [...new Set(keys as readonly string[])].filter((key) => this.audience === 'all' || seen.has(key));
  }

  /** What of a change is seen; null: nothing. */
  seenOf({ on, off, rollouts, fields }: ConfigPatch): ConfigPatch | null {
    const visible = Object.entries(rollouts).filter(
      ([name]) => this.audience === 'all' || Object.hasOwn(this.names, name),
    );
    const patch = {
      on: (on & this.mask) >>> 0,
      off: (off & this.mask) >>> 0,
      rollouts: Object.fromEntries(visible),
      fields,
    };
    const isSeen = patch.on !== 0 || patch.off !== 0 || visible.length > 0 || Object.keys(fields).length > 0;
    return isSeen ? patch : null;
  }
}
