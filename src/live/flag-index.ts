/**
 * Which configs have a feature on and which have not, over all configs of a database: one bitmap a feature, kept up to
 * date with every write, whoever made it, because each question first takes in what the journal has new. Counting then
 * reads bits, not configs.
 * @module
 */
import type { Backend, Columns, FlagQuery } from '../../bindings/backend.ts';
import type { Journal } from '../journal/journal.ts';
import { configsProjection } from './projection.ts';

const CAPACITY_FIRST = 1024;

export class FlagIndex {
  readonly #backend: Backend;
  readonly #journal: Journal;
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  /** Of those that were deleted; a name keeps its number. */
  readonly #gone = new Set<number>();
  #flags = new Uint32Array(CAPACITY_FIRST);
  #columns: Columns;
  /** Entries up to here are in the columns. */
  #seq = 0;
  #catchingUp: Promise<void> = Promise.resolve();

  constructor(backend: Backend, journal: Journal) {
    this.#backend = backend;
    this.#journal = journal;
    this.#columns = backend.columnsCreate(CAPACITY_FIRST);
  }

  async count(query: FlagQuery): Promise<number> {
    await this.#catchUp();
    return this.#columns.count(query);
  }

  /** By name, ascending. */
  async names(query: FlagQuery): Promise<string[]> {
    await this.#catchUp();
    const found = this.#columns.list(query, 0, this.#names.length);
    return Array.from(found, (number) => this.#names[number]!).sort();
  }

  close(): void {
    this.#columns.close();
  }

  /** One at a time: two that read the same entries would be harmless, two that grow the columns would not. */
  #catchUp(): Promise<void> {
    const next = this.#catchingUp.then(() => this.#takeIn());
    this.#catchingUp = next.catch(() => undefined);
    return next;
  }

  async #takeIn(): Promise<void> {
    for (;;) {
      const { configs, seq } = await this.#journal.query(configsProjection, 'flagsSince', this.#seq);
      for (const { name, flags } of configs) this.#write(name, flags);
      if (seq === this.#seq) return;
      this.#seq = seq;
    }
  }

  #write(name: string, flags: number | null): void {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
      if (number === this.#columns.capacity) this.#grow();
    }
    if (flags === null) return this.#remove(number);
    this.#gone.delete(number);
    this.#flags[number] = flags;
    this.#columns.write(number, flags);
  }

  #remove(number: number): void {
    this.#gone.add(number);
    this.#columns.remove(number);
  }

  #grow(): void {
    const known = this.#flags;
    this.#flags = new Uint32Array(known.length * 2);
    this.#flags.set(known);
    const columns = this.#backend.columnsCreate(this.#flags.length);
    columns.writeAll(0, known);
    for (const number of this.#gone) columns.remove(number);
    this.#columns.close();
    this.#columns = columns;
  }
}
