/**
 * The journal's view of configs: what each is now, and every change it went through. Applied in the transaction that
 * appends, so what these tables say is on disk.
 *
 * Entries of one config can arrive out of order and leave gaps. Three rules follow:
 * 1. The state is the after-image of the highest revision; its rollouts are those of the entry with the highest
 *    `rolloutsRevision` (that revision's own entry first, for it knows what it wrote).
 * 2. Each change knows its predecessor. Where the revision between is missing, somebody was killed between swap and
 *    entry: the difference from the predecessor's after-image to this one's before-image is a change nobody signed.
 * 3. Between neighbours nothing is missing, so a before-image is the predecessor's after-image. An entry that says
 *    otherwise was made by somebody who never saw what he would overwrite: it is refused. Rollouts are not compared: of
 *    them an entry may know too much or too little.
 * 4. A deletion is a change like others, after which the config is not there until the next one. Only a reason that
 *    somebody entered without changing anything (`persist`) leaves it so.
 * @module
 */
import { changedFields, CHANGED_FIELDS, decodeConfig, type ChangedField } from '../config/value.ts';
import { changedRollouts } from '../config/rollout.ts';
import { AnalyticsCounter } from '../config/analytics.ts';
import { parseDeclaration } from '../config/features.ts';
import { configOfStream, parseConfigName } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';
import { bytesEqual } from '../journal/chain.ts';
import type { Entry } from '../journal/journal.ts';
import type { Projection, Sql } from '../journal/projection.ts';
import { redactedSeq } from '../journal/redaction.ts';
import { decodeChange, type ChangeKind } from './change.ts';

const FEATURES_PREFIX = 'features:';
export const FEATURES_TYPE = 'features.declare';

/** A config as the journal has it. */
export interface StoredState {
  readonly name: string;
  readonly revision: number;
  readonly config: Uint8Array;
  readonly rollouts: Uint8Array;
  readonly rolloutsRevision: number;
  readonly modifiedAt: number;
  readonly seq: number;
  /** Nobody has changed it since it was deleted: the revision is taken, the config is not there. */
  readonly isDeleted: boolean;
}

/**
 * One change as the journal has it; `previous` is the revision of the change before it that has an entry, 0 for none.
 */
export interface StoredChange {
  readonly seq: number;
  readonly name: string;
  readonly revision: number;
  readonly at: number;
  readonly actor: string;
  readonly reason: string;
  readonly kind: ChangeKind;
  /** null for the first. */
  readonly before: Uint8Array | null;
  readonly after: Uint8Array;
  readonly beforeRollouts: Uint8Array | null;
  readonly afterRollouts: Uint8Array;
  readonly rolloutsRevision: number;
  /** Bit i: CHANGED_FIELDS[i]. */
  readonly changed: number;
  readonly previous: number;
  /** What the unsigned changes since `previous` did, in the same bits. */
  readonly gapChanged: number;
}

export interface HistoryParams {
  readonly name: string;
  /** Only changes that touched this field, or whose unsigned predecessors did. */
  readonly field?: ChangedField;
  /** Milliseconds since 1970, inclusive. */
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  /** Only revisions below this one: where the last page ended. */
  readonly beforeRevision?: number;
  readonly limit: number;
}

/** One of the three at most; none: now. */
export interface MomentParams {
  readonly name: string;
  readonly revision?: number;
  readonly seq?: number;
  readonly at?: number;
}

/** Entries whose configs are answered at once. */
const FLAGS_PAGE = 5000;

const CHANGE_COLUMNS = `seq, name, revision, at, actor, reason, kind, before, after, before_rollouts AS beforeRollouts,
  after_rollouts AS afterRollouts, rollouts_revision AS rolloutsRevision, changed, previous, gap_changed AS gapChanged`;

export const configsProjection = {
  name: 'configs',
  version: 3,
  create,
  apply,
  queries: {
    state: (sql: Sql, name: string): StoredState | null => stateOf(sql, { name }),
    /** Of those that are there, in the order given. */
    statesOf: (sql: Sql, names: readonly string[]): StoredState[] => statesOf(sql, names),
    /** By name, from after `after`. */
    states: (sql: Sql, { after, limit }: { after: string; limit: number }): StoredState[] =>
      statesOf(
        sql,
        namesIn(
          sql.all(
            'SELECT name FROM config_names WHERE is_deleted = 0 AND name > ? ORDER BY name LIMIT ?',
            after,
            limit,
          ),
        ),
      ),
    /** Ascending. */
    names: (sql: Sql, _params: null): string[] =>
      namesIn(sql.all('SELECT name FROM config_names WHERE is_deleted = 0 ORDER BY name')),
    /** Also of those that were deleted. */
    namesEver: (sql: Sql, _params: null): string[] => namesIn(sql.all('SELECT name FROM config_names')),
    count: (sql: Sql, _params: null): number =>
      sql.get<{ count: number }>('SELECT count(*) AS count FROM config_names WHERE is_deleted = 0')!.count,
    flagsSince,
    stateAt,
    history,
    change: (sql: Sql, { name, revision }: { name: string; revision: number }): StoredChange | null =>
      sql.get(`SELECT ${CHANGE_COLUMNS} FROM config_changes WHERE name = ? AND revision = ?`, name, revision),
    analytics,
    features: (sql: Sql, service: string): { revision: number; declaration: string } | null =>
      sql.get('SELECT revision, declaration FROM config_features WHERE service = ?', service),
    uses,
  },
} satisfies Projection;

function create(sql: Sql): void {
  sql.run(`CREATE TABLE config_changes (
    seq INTEGER PRIMARY KEY, name TEXT NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
    reason TEXT NOT NULL, kind TEXT NOT NULL, before BLOB, after BLOB NOT NULL, before_rollouts BLOB,
    after_rollouts BLOB NOT NULL, rollouts_revision INTEGER NOT NULL, changed INTEGER NOT NULL,
    rollouts_changed INTEGER NOT NULL, previous INTEGER NOT NULL, gap_changed INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL)`);
  sql.run('CREATE TABLE config_names (name TEXT PRIMARY KEY, is_deleted INTEGER NOT NULL) WITHOUT ROWID');
  sql.run('CREATE UNIQUE INDEX config_changes_by_revision ON config_changes (name, revision)');
  sql.run('CREATE INDEX config_changes_by_rollouts ON config_changes (name, rollouts_revision, revision)');
  sql.run(
    'CREATE TABLE config_features (service TEXT PRIMARY KEY, revision INTEGER NOT NULL, declaration TEXT NOT NULL)',
  );
}

function apply(sql: Sql, entry: Entry): void {
  const erased = redactedSeq(entry);
  if (erased !== null) return refuseErasingTheCurrentState(sql, erased);
  if (entry.body === null) return;
  if (entry.stream.startsWith(FEATURES_PREFIX)) return applyFeatures(sql, entry, entry.body);
  const name = configOfStream(entry.stream);
  if (name !== null) applyChange(sql, name, entry, entry.body);
}

function applyFeatures(sql: Sql, entry: Entry, body: Uint8Array): void {
  if (entry.type !== FEATURES_TYPE) throw unreadable(entry);
  const service = parseConfigName(entry.stream.slice(FEATURES_PREFIX.length));
  if (service.environment !== null) throw unreadable(entry);
  const declaration = new TextDecoder().decode(body);
  parseDeclaration(declaration);
  sql.run(
    `INSERT INTO config_features VALUES (?, ?, ?) ON CONFLICT (service) DO UPDATE SET revision = excluded.revision,
     declaration = excluded.declaration WHERE excluded.revision > config_features.revision`,
    service.name,
    entry.revision,
    declaration,
  );
}

function applyChange(sql: Sql, stream: string, entry: Entry, body: Uint8Array): void {
  const { name } = parseConfigName(stream);
  const { kind, before, after } = decodeChange(entry.seq, entry.type, body);
  const rolloutsChanged = changedRollouts(before?.rollouts ?? new Uint16Array(32), after.rollouts);
  const beforeRollouts = before === null ? null : bytesOf(before.rollouts);
  const changed = changedMask(before?.config ?? null, after.config, rolloutsChanged !== 0);
  const previous = sql.get<Neighbour>(
    `${NEIGHBOUR} AND revision < ? ORDER BY revision DESC LIMIT 1`,
    name,
    entry.revision,
  );
  const next = sql.get<Neighbour>(`${NEIGHBOUR} AND revision > ? ORDER BY revision LIMIT 1`, name, entry.revision);
  const self = linked(previous, {
    revision: entry.revision,
    kind,
    before: before?.config ?? null,
    before_rollouts: beforeRollouts,
    after: after.config,
    after_rollouts: bytesOf(after.rollouts),
    changed,
  });
  if (!follows(previous, self) || (next !== null && !follows(self, next))) throw unseen(entry, previous, next);
  sql.run(
    `INSERT INTO config_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    entry.seq,
    name,
    entry.revision,
    entry.at,
    entry.actor,
    entry.reason,
    kind,
    self.before,
    self.after,
    beforeRollouts,
    self.after_rollouts,
    after.rolloutsRevision,
    changed,
    rolloutsChanged,
    previous?.revision ?? 0,
    self.gap_changed,
    self.is_deleted,
  );
  linkAfter(sql, name, self);
  sql.run(
    `INSERT INTO config_names SELECT name, is_deleted FROM config_changes WHERE name = ? ORDER BY revision DESC LIMIT 1
     ON CONFLICT (name) DO UPDATE SET is_deleted = excluded.is_deleted`,
    name,
  );
}

/** What an entry that came late says of those after it: of the next one, and on as long as it makes a difference. */
function linkAfter(sql: Sql, name: string, late: Neighbour): void {
  for (let previous = late; ;) {
    const next = sql.get<Neighbour>(`${NEIGHBOUR} AND revision > ? ORDER BY revision LIMIT 1`, name, previous.revision);
    if (next === null) return;
    const { revision, gap_changed: gapChanged, is_deleted: isDeleted } = linked(previous, next);
    sql.run(
      'UPDATE config_changes SET previous = ?, gap_changed = ?, is_deleted = ? WHERE name = ? AND revision = ?',
      previous.revision,
      gapChanged,
      isDeleted,
      name,
      revision,
    );
    if (isDeleted === next.is_deleted) return;
    previous = { ...next, is_deleted: isDeleted };
  }
}

interface Unlinked {
  readonly revision: number;
  readonly kind: ChangeKind;
  readonly before: Uint8Array | null;
  readonly before_rollouts: Uint8Array | null;
  readonly after: Uint8Array;
  readonly after_rollouts: Uint8Array;
  readonly changed: number;
}

interface Neighbour extends Unlinked {
  readonly gap_changed: number;
  /** 0 or 1. */
  readonly is_deleted: number;
}

const NEIGHBOUR = `SELECT revision, kind, before, before_rollouts, after, after_rollouts, changed, gap_changed,
  is_deleted FROM config_changes WHERE name = ?`;

/** A change with what hangs on the one before it. */
function linked(previous: Neighbour | null, change: Unlinked): Neighbour {
  const gap = gapMask(previous, change);
  const leavesAsItWas = change.kind === 'persist' && change.changed === 0 && gap === 0;
  const isDeleted = change.kind === 'delete' || (leavesAsItWas && previous?.is_deleted === 1);
  return { ...change, gap_changed: gap, is_deleted: Number(isDeleted) };
}

/** Whether `next` was decided on what `previous` left, as far as that can be known. */
function follows(
  previous: Pick<Unlinked, 'revision' | 'after'> | null,
  next: Pick<Unlinked, 'revision' | 'before'>,
): boolean {
  if (previous === null || previous.revision !== next.revision - 1) return true;
  return next.before !== null && bytesEqual(previous.after, next.before);
}

function unseen({ stream, revision }: Entry, previous: Unlinked | null, next: Unlinked | null): ConfigError {
  const actual = (next ?? previous)!.revision;
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Revision ${revision} of ${stream} was decided on a state that is not the one at revision ${revision - 1}`,
    hint: 'Somebody else changed it past this process: look at the current state, then change that.',
    details: { stream, expected: revision - 1, actual },
  });
}

/** What happened between two neighbours without an entry; 0 where no revision is missing. */
function gapMask(
  previous: Pick<Unlinked, 'revision' | 'after' | 'after_rollouts'> | null,
  next: Pick<Unlinked, 'revision' | 'before' | 'before_rollouts'>,
): number {
  if (next.before === null || next.revision === (previous?.revision ?? 0) + 1) return 0;
  const rollouts = previous === null ? new Uint8Array(64) : previous.after_rollouts;
  const rolloutsDiffer = next.before_rollouts!.some((byte, i) => byte !== rollouts[i]);
  return changedMask(previous?.after ?? null, next.before, rolloutsDiffer);
}

/** Bit i: CHANGED_FIELDS[i] differs. A config that comes from nothing changes every field. */
function changedMask(before: Uint8Array | null, after: Uint8Array, rollouts: boolean): number {
  const fields: readonly ChangedField[] =
    before === null ? CHANGED_FIELDS.slice(0, -1) : changedFields(decodeConfig(before), decodeConfig(after));
  const mask = fields.reduce((bits, field) => bits | (1 << CHANGED_FIELDS.indexOf(field)), 0);
  return rollouts ? mask | (1 << CHANGED_FIELDS.indexOf('rollouts')) : mask;
}

function stateOf(sql: Sql, { name, revision, seq, at }: MomentParams): StoredState | null {
  const bounds = 'name = ? AND revision <= ? AND seq <= ? AND at <= ?';
  const params = [
    name,
    revision ?? Number.MAX_SAFE_INTEGER,
    seq ?? Number.MAX_SAFE_INTEGER,
    at ?? Number.MAX_SAFE_INTEGER,
  ];
  const newest = sql.get<{ revision: number; after: Uint8Array; at: number; seq: number; isDeleted: number }>(
    `SELECT revision, after, at, seq, is_deleted AS isDeleted FROM config_changes WHERE ${bounds}
     ORDER BY revision DESC LIMIT 1`,
    ...params,
  );
  if (newest === null) return null;
  // An entry can know of rollouts that were written just after its own revision: they are a later state's.
  const rollouts = sql.get<{ after_rollouts: Uint8Array; rollouts_revision: number }>(
    `SELECT after_rollouts, rollouts_revision FROM config_changes WHERE ${bounds} AND rollouts_revision <= ?
     ORDER BY rollouts_revision DESC, revision = rollouts_revision DESC, revision DESC LIMIT 1`,
    ...params,
    newest.revision,
  ) ?? { after_rollouts: new Uint8Array(64), rollouts_revision: 0 };
  return {
    name,
    revision: newest.revision,
    config: newest.after,
    rollouts: rollouts.after_rollouts,
    rolloutsRevision: rollouts.rollouts_revision,
    modifiedAt: newest.at,
    seq: newest.seq,
    isDeleted: newest.isDeleted === 1,
  };
}

function statesOf(sql: Sql, names: readonly string[]): StoredState[] {
  return names.flatMap((name) => stateOf(sql, { name }) ?? []).filter(({ isDeleted }) => !isDeleted);
}

function namesIn(rows: readonly { readonly name: string }[]): string[] {
  return rows.map(({ name }) => name);
}

/** A revision without an entry is known too where the next one has one: its before-image. */
function stateAt(sql: Sql, moment: MomentParams): StoredState | null {
  const found = stateOf(sql, moment);
  const { name, revision } = moment;
  if (revision === undefined || found?.revision === revision) return found;
  const next = sql.get<Neighbour & { at: number; seq: number; before_rollouts: Uint8Array }>(
    'SELECT before, before_rollouts, at, seq, gap_changed FROM config_changes WHERE name = ? AND revision = ?',
    name,
    revision + 1,
  );
  if (next === null || next.before === null) return found;
  const { before: config, before_rollouts: rollouts, at: modifiedAt, seq } = next;
  const isDeleted = found?.isDeleted === true && next.gap_changed === 0;
  return { name, revision, config, rollouts, rolloutsRevision: revision, modifiedAt, seq, isDeleted };
}

/** Newest first. */
function history(sql: Sql, params: HistoryParams): StoredChange[] {
  const conditions = ['name = ?'];
  const values: (string | number)[] = [params.name];
  const only = (condition: string, ...value: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...value);
  };
  if (params.field !== undefined) {
    const bit = 1 << CHANGED_FIELDS.indexOf(params.field);
    only('((changed | gap_changed) & ?) != 0', bit);
  }
  if (params.since !== undefined) only('at >= ?', params.since);
  if (params.until !== undefined) only('at <= ?', params.until);
  if (params.actor !== undefined) only('actor = ?', params.actor);
  if (params.beforeRevision !== undefined) only('revision < ?', params.beforeRevision);
  return sql.all(
    `SELECT ${CHANGE_COLUMNS} FROM config_changes WHERE ${conditions.join(' AND ')} ORDER BY revision DESC LIMIT ?`,
    ...values,
    params.limit,
  );
}

/** The counters of a config's whole history: 2 KB, to be read with `new AnalyticsCounter(bytes)`. */
function analytics(sql: Sql, name: string): Uint8Array {
  const counter = new AnalyticsCounter();
  let revision = 0;
  for (;;) {
    const rows = sql.all<{ revision: number; at: number; before: Uint8Array; after: Uint8Array; rollouts: number }>(
      `SELECT revision, at, before, after, rollouts_changed AS rollouts FROM config_changes
       WHERE name = ? AND revision > ? AND before IS NOT NULL AND changed != 0 ORDER BY revision LIMIT 1000`,
      name,
      revision,
    );
    for (const row of rows) {
      const before = decodeConfig(row.before);
      counter.recordChange({ at: row.at, before, after: decodeConfig(row.after), changedRollouts: row.rollouts });
      revision = row.revision;
    }
    if (rows.length < 1000) return counter.bytes;
  }
}

/**
 * The flags of the configs that entries after `seq` changed (null: it was deleted), a page of entries at a time; `seq`
 * is where it ends.
 */
function flagsSince(sql: Sql, seq: number): { configs: { name: string; flags: number | null }[]; seq: number } {
  const rows = sql.all<{ name: string; seq: number }>(
    'SELECT name, seq FROM config_changes WHERE seq > ? ORDER BY seq LIMIT ?',
    seq,
    FLAGS_PAGE,
  );
  const names = [...new Set(rows.map(({ name }) => name))];
  const configs = names.map((name) => {
    const { config, isDeleted } = stateOf(sql, { name })!;
    return { name, flags: isDeleted ? null : decodeConfig(config).featureFlags };
  });
  return { configs, seq: rows.at(-1)?.seq ?? seq };
}

/** Flags and rollouts of a service's configs, in all its environments. */
function uses(sql: Sql, service: string): { featureFlags: number; rollouts: Uint8Array }[] {
  return sql
    .all<{ name: string }>(
      // '0' is the character after '/': every name that begins with `service/`.
      'SELECT name FROM config_names WHERE name = ? OR (name > ? AND name < ?)',
      service,
      `${service}/`,
      `${service}0`,
    )
    .map(({ name }) => stateOf(sql, { name })!)
    .map(({ config, rollouts }) => ({ featureFlags: decodeConfig(config).featureFlags, rollouts }));
}

/** Nor a deletion that holds: without it the config would be there again, with the defaults. */
function refuseErasingTheCurrentState(sql: Sql, seq: number): void {
  const row = sql.get<{ name: string; kind: ChangeKind }>('SELECT name, kind FROM config_changes WHERE seq = ?', seq);
  const state = row === null ? null : stateOf(sql, row);
  const isNeeded = state?.seq === seq || (state?.isDeleted === true && row?.kind === 'delete');
  if (!isNeeded) return;
  throw new ConfigError('ERR_REDACT', {
    message: `Entry ${seq} holds the current state of config '${row!.name}'`,
    hint: 'Change the config first, then erase the entry.',
    details: { seq },
  });
}

function unreadable({ seq, type }: Entry): ConfigError {
  return new ConfigError('ERR_JOURNAL_ENTRY_TYPE', {
    message: `Entry ${seq} ('${type}') is not one that this version can read`,
    hint: 'It was written by a newer version: update this one.',
    details: { seq, type },
  });
}

function bytesOf(rollouts: Uint16Array): Uint8Array {
  return new Uint8Array(rollouts.buffer, rollouts.byteOffset, rollouts.byteLength).slice();
}

/** 32 basis points from the 64 bytes that a projection keeps. */
export function rolloutsOf(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.slice().buffer);
}
