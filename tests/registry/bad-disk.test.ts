/**
 * The registry on a disk that is full, and on one that is read-only: writes are refused with the reason, reads go on.
 * @module
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDirectory } from './fixtures.ts';

const SCRIPT = join(import.meta.dirname, 'bad-disk.ts');

test('a full disk refuses writes, others see the old state, history tells the story once there is room', async () => {
  const child = Bun.spawn(['unshare', '-rm', process.execPath, SCRIPT, tempDirectory()], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect(complaint, 'this test needs `unshare -rm` and a tmpfs mount inside it (util-linux, user namespaces)').toBe('');
  const { sealedSays, ...saw } = JSON.parse(output);
  expect(saw).toEqual({
    refused: { status: 503, code: 'ERR_JOURNAL_WRITE', sqlite: expect.stringMatching(/^SQLITE_(FULL|IOERR.*)$/) },
    isBack: true,
    again: [503, 'ERR_JOURNAL_WRITE'],
    metricsStayedOff: true,
    reads: [200, 200],
    sameState: true,
    backup: [503, 'ERR_BACKUP'],
    after: [200, true],
    story: [
      ['update', 'room again'],
      ['revert', 'revision N could not be stored'],
      ['update', 'flip N'],
    ],
    exit: 0,
    verified: true,
    sealed: [1, 2],
  });
  expect(sealedSays).toMatch(/^error: .*(READONLY|CANTOPEN|EROFS|read-only)/);
}, 60_000);
