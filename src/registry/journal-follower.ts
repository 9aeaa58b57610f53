/**
 * Keeps what is held in memory in step with the journal, whoever appends to it. Our own entries are told of before
 * their append is answered; those of other processes once the board has announced them: until they have been read,
 * nothing that is held here counts as current. Every entry is told of once, in order.
 * @module
 */
import type { Entry, Journal } from '../journal/journal.ts';

const PAGE = 1000;

export interface JournalFollowerOptions {
  readonly journal: Journal;
  /** The head when whatever follows was made. */
  readonly seen: number;
  /** How far the journal is known to be, in one load of memory. */
  readonly head: () => number;
  readonly follow: (entries: readonly Entry[]) => void;
  /** Hears why the journal could not be read; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export class JournalFollower {
  readonly #options: JournalFollowerOptions;
  readonly #stop: () => void;
  #seen: number;
  /** The newest of our own. */
  #own = 0;
  #reading: Promise<void> | null = null;

  constructor(options: JournalFollowerOptions) {
    this.#options = options;
    this.#seen = options.seen;
    this.#stop = options.journal.onAppend((entries) => this.#appended(entries));
  }

  /** Whether everything that is known to be on disk has been told of. If not, it is about to be. */
  get isCurrent(): boolean {
    if (this.#seen >= this.#own && this.#seen >= this.#options.head()) return true;
    this.#reading ??= this.#read();
    return false;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#reading;
  }

  #appended(entries: readonly Entry[]): void {
    this.#own = entries.at(-1)!.seq;
    // What others wrote in between comes first.
    if (entries[0]!.seq === this.#seen + 1) this.#tell(entries);
    else this.#reading ??= this.#read();
  }

  async #read(): Promise<void> {
    const { journal, onFailure } = this.#options;
    try {
      for (let isMore = true; isMore;) {
        const { entries } = await journal.read({ after: this.#seen, limit: PAGE, order: 'asc' });
        this.#tell(entries.filter(({ seq }) => seq > this.#seen));
        isMore = entries.length === PAGE || (entries.length > 0 && this.#seen < this.#own);
      }
    } catch (error) {
      onFailure(error);
    } finally {
      this.#reading = null;
    }
  }

  #tell(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#seen = entries.at(-1)!.seq;
    this.#options.follow(entries);
  }
}
