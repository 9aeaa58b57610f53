/**
 * The flags of a config as a flagd file, which flagd and its libraries read as it is. What flagd has no place for is
 * put into metadata, where it means nothing to them, and only if asked for.
 * @module
 */
import type { Flag, FlagDefinition, FlagMetadata, FlagSet } from './flag.ts';
import { factsMetadata } from './import/flagd-metadata.ts';

export interface FlagdFile {
  readonly $schema: string;
  readonly flags: Readonly<Record<string, FlagDefinition>>;
  readonly $evaluators?: Readonly<Record<string, unknown>>;
  readonly metadata?: FlagMetadata;
}

export interface ExportOptions {
  /**
   * Facts come along, as metadata `c13.owner` and so on, and archived flags too: a copy to be imported here again.
   * Otherwise flags in use alone, without what people say about them.
   */
  readonly facts: boolean;
}

const SCHEMA = 'https://flagd.dev/schema/v0/flags.json';

/**
 * Flags come in the order of their keys. Importing the file with its facts gives the same flags again.
 * @example exportFlags(new Map([['banner', flag]]), { evaluators: {}, metadata: {} }, { facts: false })
 */
export function exportFlags(flags: Iterable<readonly [string, Flag]>, set: FlagSet, options: ExportOptions): FlagdFile {
  const kept = [...flags].filter(([, { archivedAt }]) => options.facts || archivedAt === null);
  const definitions = kept
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, flag]) => [key, options.facts ? withFacts(flag) : flag.definition] as const);
  return {
    $schema: SCHEMA,
    flags: Object.fromEntries(definitions),
    ...(Object.keys(set.evaluators).length === 0 ? {} : { $evaluators: set.evaluators }),
    ...(Object.keys(set.metadata).length === 0 ? {} : { metadata: set.metadata }),
  };
}

function withFacts({ definition, ...facts }: Flag): FlagDefinition {
  const said = factsMetadata(facts);
  if (Object.keys(said).length === 0) return definition;
  return { ...definition, metadata: { ...definition.metadata, ...said } };
}
