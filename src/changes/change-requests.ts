/**
 * The change requests of a journal: made, decided, listed, and known in memory while they are open. Each change of one
 * is bound to the revision it was decided on, so of two who decide at once one is told what the other did. Makes none
 * of the changes that are asked for: it hands out the entry that says so, for the append that makes them.
 *
 * Only the registry writes change requests: those of other processes are seen when it starts.
 * @module
 */
import type { Journal, NewEntry } from '../journal/journal.ts';
import { Resources, type Resource } from '../journal/resources.ts';
import { dueAt, isOpen, type ChangeRequest, type ChangeRequestState } from './change-request.ts';
import { parseChangeRequest } from './stored-request.ts';

const KIND = 'change_request';
const LIMIT_DEFAULT = 100;

export interface ChangeRequestsOptions {
  readonly journal: Journal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A number from 0 up to 1, as `Math.random` gives it. */
  readonly random: () => number;
}

export interface ListedRequests {
  /** Newest first. */
  readonly requests: readonly Resource<ChangeRequest>[];
  /** Of the next page; null when this is the last. */
  readonly cursor: string | null;
}

export interface RequestQuery {
  readonly state?: ChangeRequestState | undefined;
  /** The last of the page before. */
  readonly cursor?: string | undefined;
  readonly limit?: number;
  readonly isVisible?: (request: ChangeRequest) => boolean;
}

/**
 * @example
 * const requests = new ChangeRequests({ journal, now: Date.now, random: Math.random });
 * for (const { key, value } of await requests.due(Date.now())) make(key, value);
 */
export class ChangeRequests {
  readonly #resources: Resources<ChangeRequest>;
  readonly #options: ChangeRequestsOptions;
  readonly #stop: () => void;
  /** null: nobody has asked yet. */
  #open: Map<string, Resource<ChangeRequest>> | null = null;
  /** Keys of those that have changed since they were read. */
  readonly #changed = new Set<string>();
  #refreshed: Promise<void> = Promise.resolve();

  constructor(options: ChangeRequestsOptions) {
    this.#options = options;
    this.#resources = new Resources(options.journal, KIND, parseChangeRequest);
    this.#stop = options.journal.onAppend((entries) => {
      for (const { stream } of entries)
        if (stream.startsWith(`${KIND}:`)) this.#changed.add(stream.slice(KIND.length + 1));
    });
  }

  /** Stops listening to the journal, which stays open. */
  close(): void {
    this.#stop();
  }

  /** A name for a new one, 16 hex digits: later ones come after earlier ones. */
  newId(): string {
    const { now, random } = this.#options;
    const tail = Math.floor(random() * 16 ** 5);
    return now().toString(16).padStart(11, '0') + tail.toString(16).padStart(5, '0');
  }

  find(id: string): Promise<Resource<ChangeRequest> | null> {
    return this.#resources.find(id);
  }

  /** Throws ERR_NOT_FOUND. */
  get(id: string): Promise<Resource<ChangeRequest>> {
    return this.#resources.get(id);
  }

  async list({ state, cursor, limit = LIMIT_DEFAULT, isVisible = () => true }: RequestQuery): Promise<ListedRequests> {
    const isOfOpen = state === 'proposed' || state === 'scheduled';
    const all = isOfOpen ? [...(await this.open())] : await this.#resources.all();
    const found = all
      .filter(({ key, value }) => (cursor === undefined || key < cursor) && (state ?? value.state) === value.state)
      .filter(({ value }) => isVisible(value))
      .toSorted((a, b) => (a.key < b.key ? 1 : -1));
    const requests = found.slice(0, limit);
    return { requests, cursor: found.length > limit ? requests.at(-1)!.key : null };
  }

  /** Those that wait for an approval or for their time, as they are now. */
  async open(): Promise<readonly Resource<ChangeRequest>[]> {
    // One after the other: what was read first must not replace what was read later.
    const refreshed = this.#refreshed.then(() => this.#refresh());
    this.#refreshed = refreshed.then(
      () => {},
      () => {},
    );
    return [...(await refreshed).values()];
  }

  /** Those whose next step is to be made by now, in the order in which they are due. */
  async due(now: number): Promise<readonly Resource<ChangeRequest>[]> {
    const due = (await this.open()).map((one) => ({ one, at: dueAt(one.value) ?? Number.POSITIVE_INFINITY }));
    return due
      .filter(({ at }) => at <= now)
      .toSorted((a, b) => a.at - b.at || (a.one.key < b.one.key ? -1 : 1))
      .map(({ one }) => one);
  }

  /** Those that nobody has approved in time. */
  async overdue(now: number): Promise<readonly Resource<ChangeRequest>[]> {
    return (await this.open()).filter(({ value }) => value.state === 'proposed' && value.expiresAt <= now);
  }

  /** The entry that makes it (`revision` 0) or says what became of it. Throws ERR_REVISION_CONFLICT. */
  async entry(
    { key, revision }: Pick<Resource<unknown>, 'key' | 'revision'>,
    value: ChangeRequest,
    said: { readonly actor: string; readonly reason: string },
  ): Promise<NewEntry> {
    return await this.#resources.putEntry(key, value, { ...said, expected: revision });
  }

  async #refresh(): Promise<ReadonlyMap<string, Resource<ChangeRequest>>> {
    // What is appended while all are read is read again.
    this.#open ??= new Map((await this.#resources.all()).map((one) => [one.key, one]));
    for (const key of this.#changed) await this.#read(this.#open, key);
    for (const [key, { value }] of this.#open) if (!isOpen(value)) this.#open.delete(key);
    return this.#open;
  }

  /** A failed read leaves it among those to be read. */
  async #read(open: Map<string, Resource<ChangeRequest>>, key: string): Promise<void> {
    this.#changed.delete(key);
    try {
      open.set(key, await this.#resources.get(key));
    } catch (error) {
      this.#changed.add(key);
      throw error;
    }
  }
}
