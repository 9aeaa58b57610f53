/**
 * What an import is given and what it comes to. Data alone: an import writes nothing.
 * @module
 */
import type { Flag, FlagDefinition, FlagFacts, FlagSet } from '../flag.ts';
import type { Finding, ImportStatus } from './findings.ts';

export const IMPORT_FORMATS = ['flagd', 'unleash', 'launchdarkly'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface ConversionOptions {
  /** Left out: told by the shape of the document. */
  readonly format?: ImportFormat | undefined;
  /** Which of the environments of the document; needed where there are several. */
  readonly environment?: string | undefined;
  /** The text of a second file with the segments. */
  readonly segments?: string | undefined;
  /** Take flags of LaunchDarkly also where a rule had to be left out: other people may get another answer. */
  readonly partial?: boolean | undefined;
  /** The field of the source that is OpenFeature's `targetingKey`. Default: `userId`; of LaunchDarkly `key`. */
  readonly userKey?: string | undefined;
  /** Other names for fields of the context, as callers will send them: `{ hostname: 'host.name' }`. */
  readonly contextMap?: Readonly<Record<string, string>> | undefined;
  /** Put before every key. */
  readonly prefix?: string | undefined;
}

/** What there is where the flags go: what a source does not speak of stays as it is. */
export interface There {
  /** By key, archived ones too. */
  readonly flags: ReadonlyMap<string, Flag>;
  readonly set: FlagSet;
}

/** A flag as its source has it; what is left out, the source does not speak of. */
export interface SourceFlag extends Partial<FlagFacts> {
  readonly definition: FlagDefinition;
  /** Tags beside those that it has: what the source says in words of its own. */
  readonly marks?: readonly string[];
  /** Milliseconds since 1970, 0: nobody knows when; null: it is in use. */
  readonly archivedAt?: number | null;
}

export interface ConvertedFlag {
  /** As it will be called here. */
  readonly key: string;
  readonly status: ImportStatus;
  /** null: it is skipped. */
  readonly flag: Flag | null;
}

export interface Conversion {
  readonly format: ImportFormat;
  readonly flags: readonly ConvertedFlag[];
  /** What all flags share from then on. Only flagd files bring something. */
  readonly set: FlagSet;
  readonly findings: readonly Finding[];
}

/** Before it is judged: by its name in the source. */
export interface Draft {
  readonly name: string;
  /** What is added to the name. */
  readonly suffix?: string;
  /** null: it could not be made; the findings say why. */
  readonly flag: SourceFlag | null;
}
