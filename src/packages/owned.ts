/**
 * Which names are ours: those that something was ever published under here, and all of a scope in which anything was,
 * however they are written: whoever asks for `@ACME/ui` means `@acme/ui`, and others need not hear of either. Held in
 * memory: what is ours stays ours, and what is not is asked again once the journal has moved.
 * @module
 */
import type { Journal } from '../journal/journal.ts';
import { scopeOf } from './name-parts.ts';
import { packagesProjection } from './projection.ts';

/** Answers held of each kind; names that are asked for come from outside. */
const HELD_MAX = 20_000;

export class OwnedNames {
  readonly #journal: Pick<Journal, 'query'>;
  readonly #head: () => number;
  /** Names without a scope, and scopes. */
  readonly #ours = new Set<string>();
  readonly #others = new Set<string>();
  #othersAt = -1;

  /** `head` says how far the journal is, in one load. */
  constructor(journal: Pick<Journal, 'query'>, head: () => number) {
    this.#journal = journal;
    this.#head = head;
  }

  async has(name: string): Promise<boolean> {
    return (await this.among([name])).size > 0;
  }

  /** Those of them that are ours, written as they came; what is not known is asked for at once. */
  async among(names: readonly string[]): Promise<ReadonlySet<string>> {
    const places = new Map(names.map((name) => [name, placeOf(name)]));
    const found = await this.#found(new Set(places.values()));
    return new Set(names.filter((name) => found.has(places.get(name)!)));
  }

  /** The head is read first: what is read after it is at least as new. */
  async #found(places: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const head = this.#head();
    if (head !== this.#othersAt || this.#others.size >= HELD_MAX) this.#others.clear();
    this.#othersAt = head;
    const unknown = [...places].filter((place) => !this.#ours.has(place) && !this.#others.has(place));
    const asked = unknown.length === 0 ? [] : await this.#journal.query(packagesProjection, 'owned', unknown);
    const found = new Set([...asked, ...[...places].filter((place) => this.#ours.has(place))]);
    for (const place of asked) if (this.#ours.size < HELD_MAX) this.#ours.add(place);
    if (this.#othersAt !== head) return found;
    for (const place of unknown) if (!found.has(place)) this.#others.add(place);
    return found;
  }
}

/** What is published here is in lower case. */
function placeOf(name: string): string {
  const lower = name.toLowerCase();
  return scopeOf(lower) ?? lower;
}
