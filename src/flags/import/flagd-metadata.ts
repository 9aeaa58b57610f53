/**
 * Facts of a flag as entries of flagd's metadata, which knows texts, numbers and booleans only, and back. Their names
 * are part of exported files: they never change.
 * @module
 */
import type { Flag, FlagFacts, FlagMetadata } from '../flag.ts';
import { isFields } from './source.ts';

type Facts = FlagFacts & Pick<Flag, 'archivedAt'>;

const PREFIX = 'c13.';
/** Tags hold commas: JSON says where one ends. */
const TAGS = 'c13.tags';

/** Only what was said, but always something: who reads it back knows by it that nothing else was. */
export function factsMetadata({ clientVisible, description, owner, tags, expiresAt, archivedAt }: Facts): FlagMetadata {
  const said = {
    clientVisible,
    description,
    owner,
    tags: tags.length === 0 ? null : JSON.stringify(tags),
    expiresAt,
    archivedAt,
  };
  const there = Object.entries(said).filter((entry): entry is [string, string | number | boolean] => entry[1] !== null);
  return Object.fromEntries(there.map(([name, value]) => [PREFIX + name, value]));
}

/**
 * What of a flag's metadata is facts, and what is left; what is no fact of ours, or malformed, is left as it is. With
 * one fact it has all: what is not there was not said. null: it does not speak of facts.
 */
export function splitMetadata(metadata: unknown): { metadata: unknown; facts: Facts | null } {
  if (!isFields(metadata)) return { metadata, facts: null };
  const text = (name: string) => of(name, (value) => typeof value === 'string');
  const time = (name: string) => of(name, (value) => Number.isSafeInteger(value) && (value as number) >= 0);
  const taken = new Set<string>();
  const of = (name: string, isFact: (value: unknown) => boolean): unknown => {
    const value = Object.hasOwn(metadata, PREFIX + name) ? metadata[PREFIX + name] : undefined;
    if (!isFact(value)) return null;
    taken.add(PREFIX + name);
    return value;
  };
  const tags = tagsIn(metadata[TAGS]);
  if (tags !== null) taken.add(TAGS);
  const facts = {
    clientVisible: of('clientVisible', (value) => typeof value === 'boolean') === true,
    description: text('description') as string | null,
    owner: text('owner') as string | null,
    tags: tags ?? [],
    expiresAt: time('expiresAt') as number | null,
    archivedAt: time('archivedAt') as number | null,
  };
  if (taken.size === 0) return { metadata, facts: null };
  const left = Object.entries(metadata).filter(([key]) => !taken.has(key));
  return { metadata: left.length === 0 ? undefined : Object.fromEntries(left), facts };
}

function tagsIn(value: unknown): string[] | null {
  if (typeof value !== 'string') return null;
  try {
    const tags: unknown = JSON.parse(value);
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
