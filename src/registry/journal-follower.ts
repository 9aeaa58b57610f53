/**
 * Keeps what is held in memory in step with the journal, whoever appends to it. Our own entries are told of before
 * their append is answered; those of other processes once the board has announced them: until they have been read,
 * nothing that is held here counts as current. Every entry is told of once, in order.
 * @module
 */
import type { Entry, Journal } from '../journal/journal.ts';

const PAGE = 1000;

export interface JournalFollowerOptions {
  readonly journal: Pick<Journal, 'read' | 'onAppend'>;
  /** The head when whatever follows was made. */
  readonly seen: number;
  /** How far the journal is known to be, in one load of memory. */
  readonly head: () => number;
  /** Hears why somebody could not take entries in. */
  readonly onFailure: (failure: string) => void;
}

/** Whoever holds in memory what the journal says. */
export interface Follower {
  /** Takes in entries. What it throws is not the others' concern: it is told to forget. */
  follow(entries: readonly Entry[]): void;
  /** Holds nothing any more: there are entries that it could not take in, and all it knew may be old. */
  forget(): void;
}

/**
 * @example
 * const follower = new JournalFollower({ journal, seen, head: () => store.head(), onFailure: log });
 * follower.add(cache);
 */
export class JournalFollower {
  readonly #options: JournalFollowerOptions;
  readonly #stop: () => void;
  readonly #followers: Follower[] = [];
  #seen: number;
  /** The newest of our own. */
  #own = 0;
  #reading: Promise<void> | null = null;

  constructor(options: JournalFollowerOptions) {
    this.#options = options;
    this.#seen = options.seen;
    this.#stop = options.journal.onAppend((entries) => this.#appended(entries));
  }

  /** Tells it of what comes from now on, after those that were added before. */
  add(follower: Follower): void {
    this.#followers.push(follower);
  }

  /** Whether everything that is known to be on disk has been told of. If not, it is about to be. */
  get isCurrent(): boolean {
    if (this.#seen >= this.#wanted) return true;
    // Whoever looks by the clock hears why it could not be read, and tries again.
    void Promise.allSettled([this.#catchUp()]);
    return false;
  }

  /**
   * Tells of what has been announced by now: to be called about once a second, for those who follow without asking.
   * Errors: those of the journal; what could not be read is read the next time.
   */
  async look(): Promise<void> {
    if (this.#seen < this.#wanted) await this.#catchUp();
  }

  async close(): Promise<void> {
    this.#stop();
    await Promise.allSettled([this.#reading]);
  }

  get #wanted(): number {
    return Math.max(this.#own, this.#options.head());
  }

  #appended(entries: readonly Entry[]): void {
    this.#own = entries.at(-1)!.seq;
    if (entries[0]!.seq === this.#seen + 1) this.#tell(entries);
    // What others wrote in between comes first.
    else void Promise.allSettled([this.#catchUp()]);
  }

  #catchUp(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    for (let isMore = true; isMore;) {
      const { entries } = await this.#options.journal.read({ after: this.#seen, limit: PAGE, order: 'asc' });
      // Some of them may have been appended here, and told of, meanwhile.
      this.#tell(entries.filter(({ seq }) => seq > this.#seen));
      isMore = entries.length > 0 && this.#seen < this.#wanted;
    }
  }

  #tell(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#seen = entries.at(-1)!.seq;
    for (const follower of this.#followers) {
      try {
        follower.follow(entries);
      } catch (error) {
        follower.forget();
        this.#options.onFailure(String(error));
      }
    }
  }
}
