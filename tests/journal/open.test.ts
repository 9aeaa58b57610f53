/** What opening refuses and leaves alone, what it makes, and how an older file is brought forward. @module */
import { Database } from 'bun:sqlite';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/journal/engine.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { Projection, Sql } from '../../src/journal/projection.ts';
import { MIGRATIONS, migrate } from '../../src/journal/schema.ts';
import { Connection } from '../../src/journal/database.ts';
import { verifyFile } from '../../src/journal/backup.ts';
import { codeOf, expected, tempDirectory } from './fixtures.ts';
import { latestBodies } from './fixtures-projection.ts';

const ENTRIES = 200;

function journalFile(directory: string): string {
  const path = join(directory, 'journal.db');
  using engine = openEngine({ path, projections: [latestBodies] });
  for (let i = 0; i < ENTRIES; i++) engine.append([expected('a', i, 'x'.repeat(200))]);
  return path;
}

/** Every file of a directory with its bytes. */
function contents(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
  );
}

function sqlite(path: string, ...statements: string[]): void {
  using database = new Database(path);
  for (const statement of statements) database.run(statement);
}

function overwrite(path: string, offset: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, offset, offset + length);
  writeFileSync(path, bytes);
}

const refused: [string, string, (path: string, directory: string) => void][] = [
  ['a text file', 'ERR_JOURNAL_FOREIGN', (path) => writeFileSync(path, 'name: checkout\n'.repeat(100))],
  ['a small text file', 'ERR_JOURNAL_FOREIGN', (path) => writeFileSync(path, 'hello')],
  ['a directory', 'ERR_JOURNAL_FOREIGN', (path) => mkdirSync(path)],
  [
    'the database of another application',
    'ERR_JOURNAL_FOREIGN',
    (path) => sqlite(path, 'CREATE TABLE t (a)', "INSERT INTO t VALUES ('theirs')"),
  ],
  [
    'another database with a log',
    'ERR_JOURNAL_FOREIGN',
    (path) => sqlite(path, 'PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)'),
  ],
  [
    'a newer journal',
    'ERR_JOURNAL_TOO_NEW',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      sqlite(path, 'PRAGMA user_version = 99');
    },
  ],
  ...['CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM latest_bodies; END', 'CREATE VIEW v AS SELECT 1'].map(
    (statement): (typeof refused)[number] => [
      `a journal after ${statement}`,
      'ERR_JOURNAL_FOREIGN',
      (path, directory) => {
        copyFileSync(journalFile(directory), path);
        sqlite(path, statement);
      },
    ],
  ),
  ['an empty file', 'ERR_JOURNAL_DAMAGED', (path) => writeFileSync(path, '')],
  ['a few bytes of a header', 'ERR_JOURNAL_DAMAGED', (path) => writeFileSync(path, 'SQLite format 3\0....')],
  [
    'half a journal',
    'ERR_JOURNAL_DAMAGED',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      truncateSync(path, statSync(path).size / 2);
    },
  ],
  [
    'a journal that lost a page',
    'ERR_JOURNAL_DAMAGED',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      truncateSync(path, statSync(path).size - 4096);
    },
  ],
  [
    'a journal with a broken first page',
    'ERR_JOURNAL_DAMAGED',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      overwrite(path, 100, 3996);
    },
  ],
  [
    'a journal with a broken newest page',
    'ERR_JOURNAL_DAMAGED',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      for (let page = 1; page < statSync(path).size / 4096; page++) overwrite(path, page * 4096, 8);
    },
  ],
  [
    'our mark on other tables',
    'ERR_JOURNAL_DAMAGED',
    (path) => sqlite(path, 'PRAGMA application_id = 1127297866', 'PRAGMA user_version = 1', 'CREATE TABLE t (a)'),
  ],
  [
    'a journal without its newest entry',
    'ERR_JOURNAL_DAMAGED',
    (path, directory) => {
      copyFileSync(journalFile(directory), path);
      sqlite(path, `DELETE FROM entries WHERE seq = ${ENTRIES}`);
    },
  ],
];

describe('opening', () => {
  it.each(refused)('refuses %s and leaves it as it is', async (_, code, make) => {
    const directory = tempDirectory();
    const path = join(directory, 'it.db');
    make(path, tempDirectory());
    const before = statSync(path).isDirectory() ? {} : contents(directory);
    for (const readonly of [false, true]) expect(await codeOf(() => openEngine({ path, readonly }))).toBe(code);
    expect(statSync(path).isDirectory() ? {} : contents(directory)).toEqual(before);
  });

  it('makes a new journal whole, readable for its owner only, and leaves no draft', () => {
    const directory = tempDirectory();
    const path = join(directory, 'journal.db');
    openEngine({ path }).close();
    expect(readdirSync(directory)).toEqual(['journal.db']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(verifyFile(path)).toMatchObject({ ok: true, head: { seq: 0 } });
  });

  it('writes nothing when it opens a journal of its own version', () => {
    const directory = tempDirectory();
    const path = journalFile(directory);
    const before = contents(directory);
    openEngine({ path, projections: [latestBodies] }).close();
    expect(contents(directory)).toEqual(before);
  });

  it('opens a replica to read, and not to write', async () => {
    const path = journalFile(tempDirectory());
    sqlite(path, "UPDATE meta SET replica = 'cluster-1'");
    expect(await codeOf(() => openEngine({ path }))).toBe('ERR_REPLICA');
    using engine = openEngine({ path, readonly: true, projections: [latestBodies] });
    expect(engine.streamHead('a')).toBe(ENTRIES);
    expect(engine.query('latest_bodies', 'one', 'a')).toMatchObject({ revision: ENTRIES });
    expect(await codeOf(() => engine.append([expected('a', ENTRIES)]))).toBe('ERR_JOURNAL_WRITE');
  });

  it('does not make a journal to read it, nor a directory', async () => {
    const directory = tempDirectory();
    expect(await codeOf(() => openEngine({ path: join(directory, 'none.db'), readonly: true }))).toBe(
      'ERR_ENTRY_NOT_FOUND',
    );
    expect(await codeOf(() => openEngine({ path: join(directory, 'no/none.db') }))).toBe('ERR_JOURNAL_WRITE');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps one journal when the same process opens it twice and closes one', () => {
    const path = journalFile(tempDirectory());
    using first = openEngine({ path });
    const second = openEngine({ path, readonly: true });
    first.append([expected('b', 0)]);
    expect(second.streamHead('b')).toBe(1);
    second.close();
    openEngine({ path }).close();
    first.append([expected('b', 1)]);
    using third = openEngine({ path, readonly: true });
    expect(third.streamHead('b')).toBe(2);
  });
});

describe('a migration', () => {
  const two = [
    ...MIGRATIONS,
    { to: 2, sql: ['ALTER TABLE meta ADD COLUMN note TEXT', "UPDATE meta SET note = 'migrated'"] },
  ];
  const broken = [...two, { to: 3, sql: ['CREATE TABLE half (a)', 'THIS IS NOT SQL'] }];

  it('copies the file, takes its steps, and keeps every entry', async () => {
    const directory = tempDirectory();
    const path = journalFile(directory);
    const connection = new Connection(path, 'write', 1000);
    const copy = migrate(connection, two)!;
    expect(connection.get('SELECT note FROM meta')).toEqual({ note: 'migrated' });
    expect(migrate(connection, two)).toBeNull();
    connection.close();
    expect(copy).toBe(`${path}.v1-${ENTRIES}.bak`);
    expect(verifyFile(copy)).toMatchObject({ ok: true, head: { seq: ENTRIES } });
    expect(await codeOf(() => openEngine({ path }))).toBe('ERR_JOURNAL_TOO_NEW');
    using old = openEngine({ path: copy });
    expect(old.streamHead('a')).toBe(ENTRIES);
  });

  it('leaves a failed step undone and the ones before it done', () => {
    const path = journalFile(tempDirectory());
    using connection = new Connection(path, 'write', 1000);
    expect(() => migrate(connection, broken)).toThrow('syntax error');
    expect(connection.pragma('user_version')).toBe(2);
    expect(connection.get("SELECT name FROM sqlite_schema WHERE name = 'half'")).toBeNull();
  });
});

describe('a journal that is expected', () => {
  it('is opened, and neither made nor mistaken for another', async () => {
    const directory = tempDirectory();
    const [path, other] = [join(directory, 'journal.db'), join(directory, 'other.db')];
    const idOf = (file: string): string => {
      using engine = openEngine({ path: file });
      return engine.id;
    };
    const expectedId = idOf(path);
    openEngine({ path, expectedId }).close();
    idOf(other);
    const before = contents(directory);
    expect(await codeOf(() => openEngine({ path: other, expectedId }))).toBe('ERR_JOURNAL_WRITE');
    expect(await codeOf(() => openEngine({ path: join(directory, 'gone.db'), expectedId }))).toBe('ERR_JOURNAL_WRITE');
    expect(contents(directory)).toEqual(before);
  });

  it('keeps the triggers and views that a projection has made, and drops them with it', () => {
    const path = join(tempDirectory(), 'journal.db');
    const counted = {
      name: 'counted',
      version: 1,
      create(sql: Sql) {
        sql.run('CREATE TABLE counted (seq INTEGER)');
        sql.run('CREATE VIEW counted_view AS SELECT count(*) AS count FROM counted');
        sql.run('CREATE TRIGGER counted_twice AFTER INSERT ON counted BEGIN DELETE FROM counted WHERE seq = 2; END');
      },
      apply: (sql: Sql, { seq }: Entry) => void sql.run('INSERT INTO counted VALUES (?)', seq),
      queries: { count: (sql: Sql) => sql.get('SELECT count FROM counted_view') },
    } satisfies Projection;
    for (let i = 0; i < 3; i++) {
      using engine = openEngine({ path, projections: [counted] });
      engine.append([expected('a', i)]);
      if (i === 1) engine.drop('counted');
      expect(engine.query('counted', 'count', null)).toEqual({ count: i === 0 ? 1 : i });
    }
  });
});
