/** A full disk: the library goes on in memory and loses nothing, the store refuses and takes back. @module */
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../journal/fixtures.ts';
import { script } from './fixtures.ts';

describe('a disk that is full', () => {
  it.each(['memory', 'board'])(
    'stops no change in %s, loses none, and no answer of the store lies',
    async (kind) => {
      const child = Bun.spawn(['unshare', '-rm', process.execPath, script('bad-disk.ts'), tempDirectory(), kind], {
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [output, complaint] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect(complaint, 'this test needs `unshare -rm` and a tmpfs mount inside it').toBe('');
      expect(JSON.parse(output)).toEqual({
        persistWhileFull: 'ERR_JOURNAL_WRITE',
        stillFull: 'ERR_JOURNAL_WRITE',
        changedInMemory: [true, 50, true],
        readsHistory: true,
        pending: true,
        bulkWhileFull: 'ERR_JOURNAL_WRITE',
        refusedWhileFull: ['ERR_JOURNAL_WRITE', 'ERR_JOURNAL_WRITE'],
        unchanged: true,
        bulkWithRoom: [
          [true, 70],
          [true, null],
          [true, 40],
        ],
        commitWithRoom: 60,
        pendingAfter: 0,
        complete: true,
        newest: ['room again', 50],
        pasts: [
          [
            ['update', 60],
            ['update', 40],
            ['revert', 30],
            ['update', 40],
            ['create', 30],
          ],
          [
            ['delete', 24],
            ['revert', 20],
            ['delete', 24],
            ['create', 20],
          ],
          [
            ['create', 70],
            ['delete', 24],
            ['create', 70],
          ],
        ],
        verified: true,
      });
    },
    60_000,
  );
});
