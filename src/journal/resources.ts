/**
 * Small JSON things with a name that people make, change and delete (users, grants, webhooks, ...), kept as entries of
 * the journal like all else: the stream is `<kind>:<key>`, the value whole in each entry. Knows no kind: what a value
 * must look like is said by whoever owns it.
 *
 * The body of an entry is `{"format":1,"value":...}` (frozen); that of a deletion is empty.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Entry, Journal, NewEntry } from './journal.ts';
import type { Projection, Sql } from './projection.ts';

const FORMAT = 1;
const TYPE = /^([a-z][a-z_]*)\.(put|delete)$/;
/** Far more often than others can write the same resource between our look and our entry. */
const ATTEMPTS_MAX = 20;

export interface Resource<T> {
  readonly key: string;
  /** Rises with every change, also over a deletion; what `expected` and an ETag speak of. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly modifiedBy: string;
  readonly value: T;
}

export interface ResourceWrite {
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Only at this revision; 0: only if there is none. Otherwise ERR_REVISION_CONFLICT. Left out: whatever there is. */
  readonly expected?: number | undefined;
}

interface Row {
  readonly key: string;
  readonly revision: number;
  readonly modifiedAt: number;
  readonly modifiedBy: string;
  readonly value: string;
}

const COLUMNS = 'key, revision, at AS modifiedAt, actor AS modifiedBy, value';

/** The tables of all kinds. To be among the projections of whoever opens the journal. */
export const resourcesProjection = {
  name: 'resources',
  version: 1,
  create(sql: Sql): void {
    sql.run(`CREATE TABLE resources (kind TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
      at INTEGER NOT NULL, actor TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID`);
  },
  apply(sql: Sql, entry: Entry): void {
    const [, kind, verb] = TYPE.exec(entry.type) ?? [];
    if (kind === undefined || !entry.stream.startsWith(`${kind}:`)) return;
    const key = entry.stream.slice(kind.length + 1);
    sql.run('DELETE FROM resources WHERE kind = ? AND key = ?', kind, key);
    if (verb === 'delete' || entry.body === null) return;
    const { revision, at, actor } = entry;
    const value = JSON.stringify(valueIn(entry));
    sql.run('INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)', kind, key, revision, at, actor, value);
  },
  queries: {
    one: (sql: Sql, { kind, key }: { kind: string; key: string }): Row | null =>
      sql.get(`SELECT ${COLUMNS} FROM resources WHERE kind = ? AND key = ?`, kind, key),
    page: (sql: Sql, { kind, after, limit }: { kind: string; after: string; limit: number }): Row[] =>
      sql.all(`SELECT ${COLUMNS} FROM resources WHERE kind = ? AND key > ? ORDER BY key LIMIT ?`, kind, after, limit),
    all: (sql: Sql, kind: string): Row[] =>
      sql.all(`SELECT ${COLUMNS} FROM resources WHERE kind = ? ORDER BY key`, kind),
    count: (sql: Sql, kind: string): number =>
      sql.get<{ count: number }>('SELECT count(*) AS count FROM resources WHERE kind = ?', kind)!.count,
  },
} satisfies Projection;

/**
 * The resources of one kind. `parse` makes a value of what was stored, and throws for what is none.
 * @example
 * const webhooks = new Resources(journal, 'webhook', parseWebhook);
 * await webhooks.put('pager', { url: 'http://127.0.0.1:9000' }, { actor: 'ann', expected: 0 });
 */
export class Resources<T> {
  readonly kind: string;
  readonly #journal: Journal;
  readonly #parse: (value: unknown) => T;

  constructor(journal: Journal, kind: string, parse: (value: unknown) => T) {
    this.#journal = journal;
    this.kind = kind;
    this.#parse = parse;
  }

  async find(key: string): Promise<Resource<T> | null> {
    const row = await this.#journal.query(resourcesProjection, 'one', { kind: this.kind, key });
    return row === null ? null : this.#resource(row);
  }

  /** Throws ERR_NOT_FOUND. */
  async get(key: string): Promise<Resource<T>> {
    const found = await this.find(key);
    if (found !== null) return found;
    throw new ConfigError('ERR_NOT_FOUND', {
      message: `There is no ${this.kind} ${JSON.stringify(key.slice(0, 80))}`,
      hint: `List them to see what there is.`,
      details: { what: `${this.kind} ${key.slice(0, 80)}` },
    });
  }

  /** By key, ascending, from after `after`. */
  async list({ after = '', limit = 100 }: { after?: string; limit?: number } = {}): Promise<Resource<T>[]> {
    const rows = await this.#journal.query(resourcesProjection, 'page', { kind: this.kind, after, limit });
    return rows.map((row) => this.#resource(row));
  }

  async all(): Promise<Resource<T>[]> {
    return (await this.#journal.query(resourcesProjection, 'all', this.kind)).map((row) => this.#resource(row));
  }

  async count(): Promise<number> {
    return await this.#journal.query(resourcesProjection, 'count', this.kind);
  }

  /** Makes or replaces it. Errors: ERR_REVISION_CONFLICT, ERR_NAME for a key no stream can hold, ERR_JOURNAL_WRITE. */
  async put(key: string, value: T, write: ResourceWrite): Promise<Resource<T>> {
    return await retried(write, async () => {
      const [entry] = await this.#journal.append([await this.putEntry(key, value, write)]);
      return this.made(entry!, value);
    });
  }

  /** Changes what is there; `change` may be called again when somebody else was faster. Throws ERR_NOT_FOUND too. */
  async update(key: string, write: ResourceWrite, change: (value: T) => T): Promise<Resource<T>> {
    return await retried(write, async () => {
      const current = await this.get(key);
      const expected = write.expected ?? current.revision;
      return await this.put(key, change(current.value), { ...write, expected });
    });
  }

  /** Errors: ERR_NOT_FOUND, ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE. */
  async delete(key: string, write: ResourceWrite): Promise<void> {
    await retried(write, async () => await this.#journal.append([await this.deleteEntry(key, write)]));
  }

  /**
   * The entry that `put` would append, for an append of several things at once. It follows what is there now: appended
   * after another change of the same resource it is refused. Throws ERR_REVISION_CONFLICT.
   */
  async putEntry(key: string, value: T, write: ResourceWrite): Promise<NewEntry> {
    const head = await this.#journal.streamHead(this.#stream(key));
    const body = new TextEncoder().encode(JSON.stringify({ format: FORMAT, value }));
    return this.#entry(key, 'put', body, write, head, (await this.find(key))?.revision ?? 0);
  }

  /** As `putEntry`, of `delete`. Throws ERR_NOT_FOUND, ERR_REVISION_CONFLICT. */
  async deleteEntry(key: string, write: ResourceWrite): Promise<NewEntry> {
    const { revision } = await this.get(key);
    return this.#entry(key, 'delete', new Uint8Array(0), write, revision, revision);
  }

  /** What an appended `putEntry` has made. */
  made({ stream, revision, at, actor }: Entry, value: T): Resource<T> {
    return { key: stream.slice(this.kind.length + 1), revision, modifiedAt: at, modifiedBy: actor, value };
  }

  #stream(key: string): string {
    return `${this.kind}:${key}`;
  }

  /** `head` was read before `actual`: what is written between the two is a conflict of the append. */
  #entry(key: string, verb: string, body: Uint8Array, write: ResourceWrite, head: number, actual: number): NewEntry {
    const { actor, reason = '', expected } = write;
    const stream = this.#stream(key);
    if (expected !== undefined && expected !== actual) throw conflict(stream, expected, actual);
    // What is there is the newest of its stream, even if it came after the head was read.
    return { stream, type: `${this.kind}.${verb}`, actor, reason, body, expected: Math.max(head, actual) };
  }

  #resource({ value, ...row }: Row): Resource<T> {
    return { ...row, value: this.#parse(JSON.parse(value)) };
  }
}

/**
 * Tries again what lost a race, of whoever said no revision: that means whatever is there. `attempt` looks anew each
 * time. Errors: those of `attempt`.
 * @example await retried(write, async () => await journal.append([await webhooks.putEntry('pager', value, write)]))
 */
export async function retried<R>({ expected }: Pick<ResourceWrite, 'expected'>, attempt: () => Promise<R>): Promise<R> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      const isLostRace = isConfigError(error) && error.code === 'ERR_REVISION_CONFLICT';
      if (!isLostRace || expected !== undefined || attempts === ATTEMPTS_MAX) throw error;
    }
  }
}

/**
 * What an entry says its resource is, as it was stored; null for a deletion, and for what was erased. Throws
 * ERR_JOURNAL_ENTRY_TYPE for what this version cannot read.
 */
export function valueIn({ seq, type, body }: Pick<Entry, 'seq' | 'type' | 'body'>): unknown {
  if (body === null || !type.endsWith('.put')) return null;
  const data = jsonOf(new TextDecoder().decode(body));
  if (typeof data === 'object' && data !== null && 'value' in data && 'format' in data && data.format === FORMAT) {
    return data.value;
  }
  throw new ConfigError('ERR_JOURNAL_ENTRY_TYPE', {
    message: `Entry ${seq} ('${type}') is not a value that this version can read`,
    hint: 'It was written by a newer version: update this one.',
    details: { seq, type },
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function conflict(stream: string, expected: number, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Expected revision ${expected} of ${stream}, but it is ${actual === 0 ? 'not there' : `at ${actual}`}`,
    hint: 'Somebody else changed it: look at the current state, then try again with its revision.',
    details: { stream, expected, actual },
  });
}
