/** Real processes on one journal: racing, killed at any moment, on a disk that fails. @module */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { openEngine } from '../../src/journal/engine.ts';
import type { Engine } from '../../src/journal/engine.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { tempDirectory } from './fixtures.ts';
import { latestBodies, text } from './fixtures-projection.ts';

const WRITERS = 4;
const APPENDS_EACH = 60;
const KILLS = 500;
const LANES = 2;

function script(name: string): string {
  return join(import.meta.dirname, name);
}

function everything(engine: Engine): Entry[] {
  const entries: Entry[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page = engine.read({ after, limit: 1000, order: 'asc' });
    entries.push(...page.entries);
    after = page.cursor;
  }
  return entries;
}

describe('several processes', () => {
  it('append at once to one journal, made by whichever is first: one unforked chain, nothing lost', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const writers = Array.from({ length: WRITERS }, (_, i) =>
      Bun.spawn([process.execPath, script('racing-writer.ts'), path, `w${i}`, String(APPENDS_EACH)], {
        stderr: 'inherit',
      }),
    );
    expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual(writers.map(() => 0));
    expect(verifyFile(path)).toMatchObject({ ok: true, head: { seq: 2 * WRITERS * APPENDS_EACH } });
    using engine = openEngine({ path, projections: [latestBodies] });
    expect(engine.streamHead('contended')).toBe(WRITERS * APPENDS_EACH);
    const entries = everything(engine);
    for (let i = 0; i < WRITERS; i++) {
      expect(entries.filter(({ actor }) => actor === `w${i}`)).toHaveLength(2 * APPENDS_EACH);
      expect(engine.streamHead(`own:w${i}`)).toBe(APPENDS_EACH);
    }
    const grown = engine.query('latest_bodies', 'all', null);
    engine.drop('latest_bodies');
    expect(engine.query('latest_bodies', 'all', null)).toEqual(grown);
  }, 60_000);

  it(`lose no acknowledged entry and invent none in ${KILLS} kills`, async () => {
    const path = join(tempDirectory(), 'journal.db');
    const said = new Said();
    let round = 0;
    const lane = async (): Promise<void> => {
      while (round < KILLS) {
        round += 1;
        const number = round;
        await said.hear(
          Bun.spawn([process.execPath, script('kill-writer.ts'), path, String(number)], { stderr: 'inherit' }),
          linesBeforeKill(number),
        );
        if (number % 100 === 0) expect(verifyFile(path)).toMatchObject({ ok: true });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(said.killed).toBe(KILLS);
    using engine = openEngine({ path, projections: [latestBodies] });
    expect(verifyFile(path)).toMatchObject({ ok: true });
    const found = new Map(everything(engine).map((entry) => [text(entry.body)!, entry]));
    expect(said.acknowledged.size).toBeGreaterThan(KILLS);
    for (const [id, { seq, hash }] of said.acknowledged) expect(found.get(id), id).toMatchObject({ seq, hash });
    for (const id of found.keys()) expect(said.tried.has(id) && !said.refused.has(id), id).toBe(true);
    expect(found.size).toBe(engine.head().seq);
    const grown = engine.query('latest_bodies', 'all', null);
    engine.drop('latest_bodies');
    expect(engine.query('latest_bodies', 'all', null)).toEqual(grown);
  }, 180_000);
});

describe('a disk', () => {
  it('that is full or read-only refuses the write with the reason, and reads go on', async () => {
    const child = Bun.spawn(['unshare', '-rm', process.execPath, script('bad-disk.ts'), tempDirectory()], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [output, complaint] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(complaint, 'this test needs `unshare -rm` and a tmpfs mount inside it (util-linux, user namespaces)').toBe(
      '',
    );
    const saw = JSON.parse(output);
    const full = { code: 'ERR_JOURNAL_WRITE', sqlite: expect.stringMatching(/^(SQLITE_FULL|SQLITE_IOERR.*)$/) };
    expect(saw).toMatchObject({
      full,
      batchWhileFull: [full, full],
      largeWhileFull: [full, full, full],
      headWhileFull: saw.acknowledged,
      readWhileFull: 5,
      verifyWhileFull: true,
      backupWhileFull: { code: 'ERR_BACKUP' },
      newWhileFull: { code: 'ERR_JOURNAL_WRITE' },
      files: ['ballast', 'journal.db', 'journal.db-shm', 'journal.db-wal'],
      afterRoom: saw.acknowledged + 1,
      projection: saw.acknowledged + 1,
      verified: true,
      openSealed: { code: 'ERR_JOURNAL_WRITE', sqlite: 'EROFS' },
      createSealed: { code: 'ERR_JOURNAL_WRITE', sqlite: 'EROFS' },
      readSealed: saw.acknowledged + 1,
      querySealed: saw.acknowledged + 1,
      appendSealed: { code: 'ERR_JOURNAL_WRITE' },
    });
    expect(saw.acknowledged).toBeGreaterThan(5);
  }, 60_000);
});

/** How many lines a writer may say before it is killed: seeded, from none to some dozens. */
function linesBeforeKill(round: number): number {
  return (Math.imul(round, 0x9e3779b1) >>> 0) % 29;
}

/** What the killed writers said, over all rounds. */
class Said {
  readonly tried = new Set<string>();
  readonly refused = new Set<string>();
  readonly acknowledged = new Map<string, { seq: number; hash: string }>();
  killed = 0;

  async hear(child: Bun.Subprocess<'ignore', 'pipe', 'inherit'>, lines: number): Promise<void> {
    let heard = '';
    if (lines === 0) child.kill('SIGKILL');
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as any) as AsyncIterable<string>) {
      heard += chunk;
      if (heard.split('\n').length > lines) child.kill('SIGKILL');
    }
    await child.exited;
    if (child.signalCode !== 'SIGKILL') throw new Error(`a writer ended by itself: ${child.exitCode}`);
    this.killed += 1;
    // A write to a pipe is whole: the last line is a line.
    for (const line of heard.split('\n')) this.#note(line.split(' '));
  }

  #note([word, id, seq, hash]: string[]): void {
    if (word === 'try') this.tried.add(id!);
    if (word === 'no') this.refused.add(id!);
    if (word === 'ack') this.acknowledged.set(id!, { seq: Number(seq), hash: hash! });
  }
}
