/** The contract in a worker, and what only a worker has: a thread that dies, a process that may end. @module */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { journalContract } from '../contract/journal.contract.ts';
import { WORKER, codeOf, expected, tempDirectory } from './fixtures.ts';

const open = (path: string): Promise<Journal> => openSqliteJournal({ path, worker: () => new Worker(WORKER) });

journalContract('in a worker', open);

describe('a journal in a worker', () => {
  it('never loads SQLite on the thread of its owner', () => {
    const graph = importsOf(resolve(import.meta.dirname, '../../src/journal/sqlite.ts'));
    expect([...graph.files].map((file) => file.replace(/.*\//, ''))).toContain('remote.ts');
    expect([...graph.modules]).not.toContain('bun:sqlite');
    // The same walk finds it where it is, so that the line above can fail.
    expect([...importsOf(resolve(import.meta.dirname, '../../src/journal/local.ts')).modules]).toContain('bun:sqlite');
  });

  it('rejects everything that waits when its worker dies, and everything after', async () => {
    let worker: Worker | undefined;
    const path = join(tempDirectory(), 'journal.db');
    const journal = await openSqliteJournal({ path, worker: () => (worker = new Worker(WORKER)) });
    const pending = [journal.append([expected('a', 0)]), journal.verify(), journal.flush().then(() => journal.head())];
    worker!.terminate();
    for (const call of pending) expect(['ERR_CLOSED', 'none']).toContain(await codeOf(call));
    expect(await codeOf(journal.append([expected('b', 0)]))).toBe('ERR_CLOSED');
    await journal.close();
    const again = await open(path);
    expect(await again.verify()).toMatchObject({ ok: true });
    await again.close();
  });

  it('says why a worker that cannot start does not', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const start = (source: string) =>
      openSqliteJournal({ path, worker: () => new Worker(URL.createObjectURL(new Blob([source]))) });
    await expect(start('throw new Error("no such luck")')).rejects.toMatchObject({
      code: 'ERR_CLOSED',
      message: expect.stringContaining('no such luck'),
    });
    expect(await codeOf(start('process.exit(3)'))).toBe('ERR_CLOSED');
  });

  it('carries the errors of opening across', async () => {
    await expect(open(join(tempDirectory(), 'no/where.db'))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_WRITE',
      details: { sqlite: 'ENOENT' },
    });
  });

  it('lets the process end when idle, after what was asked for', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'idle-writer.ts'), path], {
      stdout: 'pipe',
      stderr: 'inherit',
    });
    expect(await new Response(child.stdout).text()).toBe('appended 3\n');
    expect(await child.exited).toBe(0);
    const journal = await open(path);
    expect((await journal.head()).seq).toBe(3);
    await journal.close();
  });
});

/** What a module loads at run time, through every module of ours that it loads. */
function importsOf(entry: string): { files: Set<string>; modules: Set<string> } {
  const files = new Set<string>();
  const modules = new Set<string>();
  const transpiler = new Bun.Transpiler({ loader: 'ts' });
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { path } of transpiler.scanImports(readFileSync(file, 'utf8'))) {
      if (path.startsWith('.')) visit(resolve(dirname(file), path));
      else modules.add(path);
    }
  };
  visit(entry);
  return { files, modules };
}
