/**
 * The truth, as everything above sees it: an append-only, hash-chained list of entries, ordered by sequence, grouped in
 * streams. Knows no domain and no storage; the implementations beside it pass one contract suite.
 * @module
 */

import type { Projection, QueryParams, QueryResult } from './projection.ts';

/** The stream of the journal's own entries (`redacted`). Nobody else appends to it. */
export const JOURNAL_STREAM = 'journal';

/** Sequences and revisions stay exact in JavaScript; above, an append is refused. */
export const MAX_REVISION = Number.MAX_SAFE_INTEGER;
/** Milliseconds since 1970; the last instant a `Date` can hold. */
export const MAX_TIME_MS = 8_640_000_000_000_000;
/** Bytes of one body. Larger things are blobs that an entry names. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** UTF-8 bytes of a stream's name, a type or an actor. */
export const MAX_NAME_BYTES = 512;
/** UTF-8 bytes of a reason. */
export const MAX_REASON_BYTES = 4096;
/** Entries of one append. */
export const MAX_APPEND_ENTRIES = 1000;
/** Entries of one page of `read`. A page also ends early once its bodies pass `MAX_BODY_BYTES`. */
export const MAX_READ_ENTRIES = 1000;

/** One fact, durable and immutable (but for its body, which a later `redacted` entry may erase). */
export interface Entry {
  /** 1, 2, 3, ... without gaps: the one order of the whole journal. */
  readonly seq: number;
  /** What changed: `config:checkout/production`, `user:ann`, ... */
  readonly stream: string;
  /** Unique within the stream, from 1. */
  readonly revision: number;
  /** Milliseconds since 1970. Never smaller than the entry before: a clock that ran back is clamped. */
  readonly at: number;
  readonly actor: string;
  /** Why, in the actor's words; '' where none was given. */
  readonly reason: string;
  /** What kind of change the body describes; the domain's word. */
  readonly type: string;
  /** The domain's bytes; null once erased. */
  readonly body: Uint8Array | null;
  /** SHA-256, 64 lower-case hex digits; all zeros before the first entry. */
  readonly prevHash: string;
  readonly hash: string;
}

interface EntryContent {
  readonly stream: string;
  readonly type: string;
  readonly actor: string;
  readonly reason: string;
  readonly body: Uint8Array;
  /** Default: the journal's clock. */
  readonly at?: number;
}

/** Journal-first: the stream's head must be `expected` (0: the stream is new); the entry gets `expected + 1`. */
export interface ExpectedEntry extends EntryContent {
  readonly expected: number;
  readonly revision?: never;
}

/** Claimed: something outside has already decided the revision. It must be free; it may come late and leave gaps. */
export interface ClaimedEntry extends EntryContent {
  readonly revision: number;
  readonly expected?: never;
}

export type NewEntry = ExpectedEntry | ClaimedEntry;

/** A point of the chain. Kept elsewhere (signed, printed, mailed) it is an anchor: `verify` finds a rewritten past. */
export interface Anchor {
  readonly seq: number;
  readonly hash: string;
}

/** The newest entry's place; `{ seq: 0, hash: '00...', at: 0 }` in an empty journal. */
export interface Head extends Anchor {
  readonly at: number;
}

/** Every bound given must hold. */
export interface ReadQuery {
  readonly stream?: string;
  /** Streams that begin with this, compared by code units as written. */
  readonly streamPrefix?: string;
  readonly revision?: number;
  readonly type?: string;
  readonly actor?: string;
  /** `seq > after` */
  readonly after?: number;
  /** `seq < before`; for "as of entry N" give `N + 1`. */
  readonly before?: number;
  /** `at >= since`, ms */
  readonly since?: number;
  /** `at <= until`, ms */
  readonly until?: number;
  /** 1 to `MAX_READ_ENTRIES`. */
  readonly limit: number;
  /** By sequence. */
  readonly order: 'asc' | 'desc';
}

export interface Page {
  readonly entries: readonly Entry[];
  /** The `after` (asc) or `before` (desc) of the next page; null when this was the last. */
  readonly cursor: number | null;
}

/** A moment: the entries with `seq <= seq` and `at <= at` (ms). Left out: no bound. */
export interface Moment {
  readonly seq?: number;
  readonly at?: number;
}

/**
 * What the evidence suggests happened. That there is a fault is certain; its kind is the likeliest reading.
 * `rewritten` and a cut-off end with a matching head can only be found against an anchor.
 */
export type FaultKind =
  | 'edited'
  | 'deleted'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'rewritten'
  | 'erased'
  | 'projection';

export interface Fault {
  readonly kind: FaultKind;
  /** The first sequence concerned. */
  readonly seq: number;
  /** One sentence for people. */
  readonly message: string;
}

export type VerifyReport =
  | { readonly ok: true; readonly head: Head; readonly fault: null }
  | { readonly ok: false; readonly head: Head; readonly fault: Fault };

export interface VerifyOptions {
  readonly anchor?: Anchor;
  /** Called between slices with sequences checked and sequences in all. */
  readonly onProgress?: (checked: number, total: number) => void;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A verified, fsynced, self-contained copy. Its head is an anchor worth keeping beside it. */
export interface Backup {
  readonly path: string;
  readonly size_bytes: number;
  readonly head: Head;
}

/**
 * Errors of every method: `ERR_CLOSED` after `close`, or when its worker died; `ERR_JOURNAL_DAMAGED` when
 * stored bytes contradict themselves.
 *
 * @example
 * const [entry] = await journal.append([
 *   { stream: 'user:ann', type: 'user.created', actor: 'admin', reason: 'new colleague', body, expected: 0 },
 * ]);
 */
export interface Journal {
  /** Random at creation, kept in the database: another id is another journal. */
  readonly id: string;
  /** The database file; `:memory:` for one that lives and dies with the process. */
  readonly path: string;

  /**
   * Appends all or nothing; resolves when the entries are durable and projected, rejects with nothing changed:
   * `ERR_REVISION_CONFLICT` (details carry the stream's actual head), `ERR_JOURNAL_WRITE` (disk full, read-only, busy),
   * `ERR_OUT_OF_RANGE` / `ERR_WRONG_TYPE` / `ERR_NAME` (a malformed entry), or what a projection refuses with.
   * Appends made without waiting share transactions and stay independent: one rejecting does not touch another.
   * The bytes of `body` are taken at the call.
   */
  append(entries: readonly NewEntry[]): Promise<readonly Entry[]>;

  /** One page of entries. `ERR_OUT_OF_RANGE` for a bad bound. */
  read(query: ReadQuery): Promise<Page>;

  /** The newest entry's place. */
  head(): Promise<Head>;

  /** The stream's highest revision; 0 when it has no entry. */
  streamHead(stream: string): Promise<number>;

  /** The stream's entry with the highest revision, as of a moment: its after-image is the state then. */
  latest(stream: string, moment?: Moment): Promise<Entry | null>;

  /** Runs a projection's named query, up to date with the head. `ERR_ENTRY_NOT_FOUND` for one this journal lacks. */
  query<P extends Projection, N extends string & keyof P['queries']>(
    projection: P,
    name: N,
    params: QueryParams<P, N>,
  ): Promise<QueryResult<P, N>>;

  /** Drops a projection's tables and makes them again from the entries. */
  rebuild(projection: Projection): Promise<void>;

  /** Recomputes the whole chain and compares heads and projections; the first fault, or none. Changes nothing. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;

  /**
   * Erases one entry's body for good, by a `redacted` entry that is returned; the chain still verifies.
   * `ERR_REDACT`: no such entry, already erased, one of the journal's own, or one that a projection still needs.
   */
  redact(seq: number, by: { readonly actor: string; readonly reason: string }): Promise<Entry>;

  /** Writes a consistent copy to a path where no file is. `ERR_BACKUP` says what failed; no half copy stays behind. */
  backup(path: string): Promise<Backup>;

  /**
   * Tells of every entry this handle has appended, in order, once durable, before the append resolves. Entries of other
   * processes are not told of: compare `head()`. Returns the way to stop.
   */
  onAppend(listener: (entries: readonly Entry[]) => void): () => void;

  /**
   * Tells of every answered append of this handle: how long it took, and what it failed with, or null. Returns the way
   * to stop.
   */
  onAnswered(listener: (duration_ms: number, error: unknown) => void): () => void;

  /** Resolves when everything asked for so far has been answered, whatever the answers. */
  flush(): Promise<void>;

  /** Finishes what is queued, then lets go of the file. Safe to call twice. */
  close(): Promise<void>;
}
