/**
 * Which names are ours: those that something was ever published under here, and all of a scope in which anything was.
 * Nobody else is ever asked for them. Held in memory: what is ours stays ours, and what is not is asked again once the
 * journal has moved.
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
  readonly #others = new Map<string, Promise<boolean>>();
  #othersAt = -1;

  /** `head` says how far the journal is, in one load. */
  constructor(journal: Pick<Journal, 'query'>, head: () => number) {
    this.#journal = journal;
    this.#head = head;
  }

  /** The head is read first: what is read after it is at least as new. */
  async has(name: string): Promise<boolean> {
    const place = scopeOf(name) ?? name;
    if (this.#ours.has(place)) return true;
    const head = this.#head();
    if (head !== this.#othersAt || this.#others.size >= HELD_MAX) this.#others.clear();
    this.#othersAt = head;
    const known = this.#others.get(place);
    if (known !== undefined) return await known;
    const asking = this.#ask(name, place);
    this.#others.set(place, asking);
    asking.catch(() => this.#others.delete(place));
    return await asking;
  }

  async #ask(name: string, place: string): Promise<boolean> {
    const isOurs = await this.#journal.query(packagesProjection, 'owned', { name, scope: scopeOf(name) });
    if (isOurs && this.#ours.size < HELD_MAX) this.#ours.add(place);
    return isOurs;
  }
}
