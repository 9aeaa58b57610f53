/**
 * Keeps projections in step with the entries: makes, catches up, drops and queries them. Knows their names and versions
 * only, never what they mean. Tables of projections this process does not know are left alone.
 * @module
 */

import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Connection } from './database.ts';
import type { Entry } from './journal.ts';
import type { Projection, Query } from './projection.ts';
import { entriesAfter } from './rows.ts';
import { damaged, losesTransaction } from './sqlite-error.ts';

/** Entries applied in one transaction while catching up. */
export const CATCH_UP_ENTRIES = 500;

const NAME = /^[a-z][a-z0-9_]*$/;

interface State {
  readonly name: string;
  readonly version: number;
  readonly applied: number;
  readonly objects: string;
}

export class Projector {
  readonly #connection: Connection;
  readonly #projections: ReadonlyMap<string, Projection>;

  constructor(connection: Connection, projections: readonly Projection[]) {
    this.#connection = connection;
    this.#projections = new Map(projections.map((projection) => [projection.name, projection]));
    for (const { name } of projections) if (!NAME.test(name)) throw badName(name);
    if (this.#projections.size !== projections.length) throw duplicate(projections);
  }

  /** Entries the furthest behind of our projections lacks; one that is missing or outdated lacks all of them. */
  lag(headSeq: number): number {
    const states = this.#states();
    const lags = [...this.#projections.values()].map((projection) => {
      const state = states.get(projection.name);
      const current = state?.version === projection.version;
      return current ? Math.abs(headSeq - state.applied) : headSeq + 1;
    });
    return Math.max(0, ...lags);
  }

  /**
   * Applies up to `CATCH_UP_ENTRIES` entries to those that lack them, inside the caller's transaction; returns whether
   * something is left. Invariant: every projection sees every entry once, by sequence.
   */
  step(headSeq: number): boolean {
    const applied = this.#ensure();
    for (const [name, seq] of applied) {
      if (seq > headSeq)
        throw damaged(this.#connection.path, headSeq, `the projection ${name} has seen entry ${seq}, which is gone`);
    }
    const first = Math.min(headSeq, ...applied.values());
    if (first === headSeq) return false;
    const entries = entriesAfter(this.#connection, first, CATCH_UP_ENTRIES);
    for (const entry of entries) {
      for (const [name, seq] of applied) if (seq < entry.seq) this.#applyLate(this.#projections.get(name)!, entry);
    }
    const last = entries.at(-1)?.seq ?? headSeq;
    for (const [name, seq] of applied) if (seq < last) this.#store(name, last);
    return last < headSeq;
  }

  /** Applies a new entry to all, inside the savepoint of its append: a refusal takes the append back. */
  apply(entry: Entry): void {
    for (const projection of this.#projections.values()) projection.apply(this.#connection, entry);
  }

  /** Records that `apply` has seen everything up to the head. */
  storeApplied(headSeq: number): void {
    for (const name of this.#projections.keys()) this.#store(name, headSeq);
  }

  /** Drops every projection, known or not: each is made again by whoever knows it. */
  dropAll(): void {
    for (const state of this.#states().values()) this.#drop(state);
  }

  drop(name: string): void {
    const state = this.#states().get(this.find(name).name);
    if (state !== undefined) this.#drop(state);
  }

  query(name: string, queryName: string, params: unknown): unknown {
    const query: Query | undefined = this.find(name).queries[queryName];
    if (query === undefined || !Object.hasOwn(this.find(name).queries, queryName))
      throw unknown(`query ${name}.${queryName}`);
    return query(this.#connection, params as never);
  }

  find(name: string): Projection {
    const projection = this.#projections.get(name);
    if (projection === undefined) throw unknown(`projection ${name}`);
    return projection;
  }

  /** For a connection that cannot make it: `ERR_ENTRY_NOT_FOUND` unless the tables of this very version are there. */
  requireMade(name: string): void {
    const { version } = this.find(name);
    if (this.#states().get(name)?.version !== version) throw notMade(`projection ${name}`, version);
  }

  #states(): Map<string, State> {
    const states = this.#connection.all<State>('SELECT name, version, applied, objects FROM projections');
    return new Map(states.map((state) => [state.name, state]));
  }

  /** Makes what is missing or outdated; returns what each of ours has applied. */
  #ensure(): Map<string, number> {
    const states = this.#states();
    const applied = new Map<string, number>();
    for (const projection of this.#projections.values()) {
      const state = states.get(projection.name);
      if (state !== undefined && state.version > projection.version)
        throw tooNew(this.#connection.path, projection, state);
      const current = state?.version === projection.version;
      if (!current && state !== undefined) this.#drop(state);
      if (!current) this.#create(projection);
      applied.set(projection.name, current ? state.applied : 0);
    }
    return applied;
  }

  #create(projection: Projection): void {
    const { name, version } = projection;
    const before = this.#objects();
    projection.create(this.#connection);
    const made = [...this.#objects()].filter(([object]) => !before.has(object));
    const insert = 'INSERT INTO projections (name, version, applied, objects) VALUES (?, ?, 0, ?)';
    this.#connection.run(insert, name, version, JSON.stringify(made));
  }

  #drop({ name, objects }: State): void {
    for (const [object, type] of JSON.parse(objects) as [string, string][]) {
      this.#connection.exec(`DROP ${type} IF EXISTS "${object.replaceAll('"', '""')}"`);
    }
    this.#connection.run('DELETE FROM projections WHERE name = ?', name);
  }

  /** Tables, views and triggers by name. Indexes go with their table. */
  #objects(): Map<string, string> {
    const text = `SELECT name, type FROM sqlite_schema
      WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite_%'`;
    return new Map(this.#connection.all<{ name: string; type: string }>(text).map(({ name, type }) => [name, type]));
  }

  // An entry that is in the chain cannot be refused any more. Skipping it gives every process the same projection.
  #applyLate(projection: Projection, entry: Entry): void {
    try {
      this.#connection.savepoint(() => projection.apply(this.#connection, entry));
    } catch (error) {
      if (!isConfigError(error) || losesTransaction(error)) throw error;
    }
  }

  #store(name: string, applied: number): void {
    this.#connection.run('UPDATE projections SET applied = ? WHERE name = ?', applied, name);
  }
}

function unknown(what: string): ConfigError {
  return new ConfigError('ERR_ENTRY_NOT_FOUND', {
    message: `This journal was opened without the ${what}.`,
    hint: 'Hand the projection to the journal (and to its worker) when opening it.',
    details: { what },
  });
}

function notMade(what: string, version: number): ConfigError {
  return new ConfigError('ERR_ENTRY_NOT_FOUND', {
    message: `This journal holds no version ${version} of the ${what}, and is open for reading only.`,
    hint: 'Open it once for writing: that makes the projection.',
    details: { what },
  });
}

function tooNew(path: string, { name, version }: Projection, state: State): ConfigError {
  return new ConfigError('ERR_JOURNAL_TOO_NEW', {
    message: `The projection ${name} of ${path} has version ${state.version}; this program knows ${version}.`,
    hint: 'Another process runs a newer program on this file: use that one here too.',
    details: { path, version: state.version, supported: version },
  });
}

function badName(name: string): ConfigError {
  return new ConfigError('ERR_NAME', {
    message: `A projection cannot be named ${JSON.stringify(name)}.`,
    hint: 'Use lower-case letters, digits and _, beginning with a letter.',
    details: { name },
  });
}

function duplicate(projections: readonly Projection[]): ConfigError {
  const names = projections.map(({ name }) => name);
  const name = names.find((candidate, index) => names.indexOf(candidate) !== index) ?? '';
  return new ConfigError('ERR_NAME', {
    message: `Two projections are named ${name}.`,
    hint: 'Give each projection its own name.',
    details: { name },
  });
}
