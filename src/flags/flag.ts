/**
 * What a flag is, as the journal keeps it: a rich flag in flagd's own format, and what people say about a flag or a
 * feature. Stored values are JSON (frozen): a field may be added, none changes its meaning.
 *
 * Streams: `flag:<config>/<key>` (`flag:checkout/production/banner`), `flagset:<config>` (what the flags of a config
 * share), `feature:<service>/<name>` (what is said about one of the 32 features of a service).
 * @module
 */

/** flagd's flag definition: https://flagd.dev/schema/v0/flags.json. */
export interface FlagDefinition {
  readonly state: 'ENABLED' | 'DISABLED';
  /** By name, all of one type: boolean, string, number or object. */
  readonly variants: Readonly<Record<string, unknown>>;
  /** The variant where targeting names none; null or left out: the caller's own default. */
  readonly defaultVariant?: string | null;
  /** JsonLogic; `{}` or left out: everybody gets the default variant. */
  readonly targeting?: Readonly<Record<string, unknown>>;
  readonly metadata?: FlagMetadata;
}

export type FlagMetadata = Readonly<Record<string, string | number | boolean>>;

/** What people say about a flag or a feature. */
export interface FlagFacts {
  /** Whether browser tokens see it. */
  readonly clientVisible: boolean;
  readonly description: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** When it should be gone, milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
}

/** A rich flag of one config. One whose key is the name of a feature is boolean, and the feature's bit follows it. */
export interface Flag extends FlagFacts {
  readonly definition: FlagDefinition;
  /** Milliseconds since 1970; an archived flag is not evaluated. null: it is in use. */
  readonly archivedAt: number | null;
  /**
   * Written by somebody who was asked for the feature of its name as well: its bit follows it. Left out for all others,
   * also where a feature of this name came later.
   */
  readonly isBound?: boolean;
}

/** What the flags of one config share: flagd's `$evaluators` and the metadata of the whole file. */
export interface FlagSet {
  readonly evaluators: Readonly<Record<string, unknown>>;
  readonly metadata: FlagMetadata;
}

export const NO_FACTS: FlagFacts = { clientVisible: false, description: null, owner: null, tags: [], expiresAt: null };
