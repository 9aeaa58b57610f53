/**
 * The change requests of a journal: made, decided, listed, and known in memory while they are open. Each change of one
 * is bound to the revision it was decided on, so of two who decide at once one is told what the other did. Makes none
 * of the changes that are asked for: it hands out the entry that says so, for the append that makes them.
 *
 * Only the registry writes change requests. What another process appends, an erasure above all, is told by `follow`.
 * @module
 */
import type { Entry, Journal, NewEntry } from '../journal/journal.ts';
import { redactedSeq } from '../journal/redaction.ts';
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

type ByKey = Map<string, Resource<ChangeRequest>>;

/** All there are: those that are open whole, the others as `outlined`. */
interface Known {
  readonly open: ByKey;
  readonly ended: ByKey;
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
  #known: Known = { open: new Map(), ended: new Map() };
  /** Nobody has asked yet, or something was erased since: all are to be read. */
  #isToLoad = true;
  /** Keys of those that have changed since they were read. */
  readonly #changed = new Set<string>();
  #refreshed: Promise<void> = Promise.resolve();

  constructor(options: ChangeRequestsOptions) {
    this.#options = options;
    this.#resources = new Resources(options.journal, KIND, parseChangeRequest);
    this.#stop = options.journal.onAppend((entries) => this.follow(entries));
  }

  /** Learns of entries, also of those that are told of twice; of our own it hears by itself. */
  follow(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.stream.startsWith(`${KIND}:`)) this.#changed.add(entry.stream.slice(KIND.length + 1));
      if (redactedSeq(entry) !== null) this.#isToLoad = true;
    }
  }

  /** Reads all of them again. */
  forget(): void {
    this.#isToLoad = true;
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

  async find(id: string): Promise<Resource<ChangeRequest> | null> {
    const found = await this.#resources.find(id);
    // Erased, perhaps by another process.
    if (found === null && this.#known.open.has(id)) this.#changed.add(id);
    return found;
  }

  /** Throws ERR_NOT_FOUND. */
  get(id: string): Promise<Resource<ChangeRequest>> {
    return this.#resources.get(id);
  }

  /** Without the operations of those that have ended. */
  async list({ state, cursor, limit = LIMIT_DEFAULT, isVisible = () => true }: RequestQuery): Promise<ListedRequests> {
    const { open, ended } = await this.#fresh();
    const found = [...open.values(), ...ended.values()]
      .filter(({ key, value }) => (cursor === undefined || key < cursor) && (state ?? value.state) === value.state)
      .filter(({ value }) => isVisible(value))
      .toSorted((a, b) => (a.key < b.key ? 1 : -1));
    const requests = found.slice(0, limit);
    return { requests, cursor: found.length > limit ? requests.at(-1)!.key : null };
  }

  /** Those that wait for an approval or for their time, as they are now. */
  async open(): Promise<readonly Resource<ChangeRequest>[]> {
    return [...(await this.#fresh()).open.values()];
  }

  /** How many are in this state: of those that have ended, since a moment. */
  async count(state: ChangeRequestState, since = 0): Promise<number> {
    const { open, ended } = await this.#fresh();
    const isCounted = ({ value, modifiedAt }: Resource<ChangeRequest>): boolean =>
      value.state === state && (modifiedAt >= since || isOpen(value));
    return [...open.values(), ...ended.values()].filter(isCounted).length;
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

  /** One after the other: what was read first must not replace what was read later. */
  async #fresh(): Promise<Known> {
    const refreshed = this.#refreshed.then(() => this.#refresh());
    this.#refreshed = refreshed.then(
      () => {},
      () => {},
    );
    return await refreshed;
  }

  async #refresh(): Promise<Known> {
    while (this.#isToLoad) {
      // What is appended or erased while all are read is read again.
      this.#isToLoad = false;
      try {
        this.#known = await this.#all();
      } catch (error) {
        this.#isToLoad = true;
        throw error;
      }
    }
    for (const key of this.#changed) await this.#read(this.#known, key);
    return this.#known;
  }

  async #all(): Promise<Known> {
    const known: Known = { open: new Map(), ended: new Map() };
    for (const one of await this.#resources.all()) keep(known, one);
    return known;
  }

  /** A failed read leaves it among those to be read. */
  async #read(known: Known, key: string): Promise<void> {
    this.#changed.delete(key);
    try {
      const found = await this.#resources.find(key);
      if (found !== null) keep(known, found);
      else for (const some of [known.open, known.ended]) some.delete(key);
    } catch (error) {
      this.#changed.add(key);
      throw error;
    }
  }
}

function keep({ open, ended }: Known, one: Resource<ChangeRequest>): void {
  const [into, from] = isOpen(one.value) ? [open, ended] : [ended, open];
  from.delete(one.key);
  into.set(one.key, into === open ? one : { ...one, value: outlined(one.value) });
}

/** What lists tell: all but the operations and what was kept to compare. */
function outlined(request: ChangeRequest): ChangeRequest {
  return {
    ...request,
    steps: request.steps.map((step) => ({ ...step, operations: [] })),
    base: request.base.map((one) => ({ ...one, state: null })),
    premises: [],
  };
}
