/** Blobs in a directory: what a full disk, a killed process and two stores on one directory leave. @module */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REAL_DISK } from '../../../src/packages/blobs/disk.ts';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { blobsContract } from '../../contract/blobs.contract.ts';
import { codeOf } from '../../journal/fixtures.ts';
import { all, bytesOf, draftOf, kept, sha512, someBytes, tempDirectory } from './fixtures.ts';
import { KILLED_STEPS } from './killed-steps.ts';

const LARGE = 400_000;

blobsContract('a directory', async () => {
  const path = join(tempDirectory(), 'blobs');
  const blobs = openFileBlobs(path);
  return {
    blobs,
    spoil: (hash, bytes) => writeFileSync(join(path, hash.slice(0, 2), hash), bytes),
    close: () => blobs.close(),
  };
});

/** Paths below, but for the locks. */
function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(path, name)).isFile() && !name.includes('.lock'),
  );
}

async function exitOf(
  program: string,
  ...given: string[]
): Promise<{ signal: string | number | null; code: number | null; out: string }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, program), ...given], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const out = await new Response(child.stdout).text();
  await child.exited;
  return { signal: child.signalCode, code: child.exitCode, out };
}

describe('a process that is killed', () => {
  const steps = [0, LARGE].flatMap((size) => KILLED_STEPS.map((step) => [step, size] as const));

  it.each(steps)('before %s never shows half a blob (%d bytes and more)', async (step, size) => {
    const path = join(tempDirectory(), 'blobs');
    const { signal } = await exitOf('killed-keeper.ts', path, step, String(size + 100));
    expect(signal).toBe('SIGKILL');
    const blobs = openFileBlobs(path);
    for (const { hash } of await all(blobs.list())) expect(sha512(await bytesOf(blobs, hash))).toBe(hash);
    const bytes = someBytes(size + 100);
    await kept(blobs, bytes);
    expect(sha512(await bytesOf(blobs, sha512(bytes)))).toBe(sha512(bytes));
    await blobs.close();
    expect(filesIn(path)).toEqual([join(sha512(bytes).slice(0, 2), sha512(bytes))]);
    expect(readdirSync(join(path, 'drafts'))).toEqual([]);
  });
});

describe('drafts', () => {
  it('of a living store stay when another one opens, and of a closed one go', async () => {
    const path = tempDirectory();
    const first = openFileBlobs(path);
    const draft = await draftOf(first, someBytes(LARGE));
    const second = openFileBlobs(path);
    await draft.keep();
    expect(sha512(await bytesOf(second, draft.hash))).toBe(draft.hash);
    await draftOf(second, someBytes(LARGE, 'b'));
    await second.close();
    await first.close();
    expect(filesIn(path)).toHaveLength(1);
  });

  it('that are dropped leave nothing', async () => {
    const path = tempDirectory();
    const blobs = openFileBlobs(path);
    const draft = await draftOf(blobs, someBytes(LARGE));
    expect(filesIn(path)).toHaveLength(1);
    await draft.drop();
    await draft.drop();
    expect(filesIn(path)).toEqual([]);
    await blobs.close();
  });
});

describe('a disk', () => {
  it('that takes no more is ERR_BLOB, and leaves nothing', async () => {
    const path = tempDirectory();
    const { code, out } = await exitOf('limited.ts', path);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ large: 'ERR_BLOB', small: 'none' });
    expect(filesIn(path)).toEqual([join(sha512(someBytes(100)).slice(0, 2), sha512(someBytes(100)))]);
  });

  it.each(['sync', 'rename', 'syncDirectory'] as const)(
    'that fails to %s is ERR_BLOB, and the blob can be kept later',
    async (step) => {
      const path = tempDirectory();
      let isBroken = true;
      const fails = (): never => {
        throw new Error('input/output error');
      };
      const broken = {
        ...REAL_DISK,
        [step]: (...given: never[]) =>
          isBroken ? fails() : (REAL_DISK[step] as (...all: never[]) => unknown)(...given),
      };
      const blobs = openFileBlobs(path, { disk: broken });
      for (const bytes of [someBytes(100), someBytes(LARGE)]) {
        isBroken = true;
        const draft = await draftOf(blobs, bytes);
        await expect(draft.keep()).rejects.toMatchObject({ code: 'ERR_BLOB', details: { hash: draft.hash } });
        isBroken = false;
        await draft.keep();
        expect(sha512(await bytesOf(blobs, draft.hash))).toBe(draft.hash);
      }
      await blobs.close();
      expect(filesIn(path)).toHaveLength(2);
    },
  );

  it('where no store can be made is ERR_BLOB', async () => {
    const path = join(tempDirectory(), 'blobs');
    writeFileSync(path, 'a file');
    expect(await codeOf(() => openFileBlobs(path))).toBe('ERR_BLOB');
  });
});

describe('the files', () => {
  it("are their owner's alone, and others in the directory are left alone", async () => {
    const path = join(tempDirectory(), 'blobs');
    const blobs = openFileBlobs(path);
    const { hash } = await kept(blobs, someBytes(100));
    mkdirSync(join(path, 'zz'));
    writeFileSync(join(path, hash.slice(0, 2), 'README'), 'not ours');
    expect(statSync(join(path, hash.slice(0, 2), hash)).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, hash.slice(0, 2))).mode & 0o777).toBe(0o700);
    expect(await all(blobs.list())).toHaveLength(1);
    await blobs.close();
  });

  it('are renewed and not written again when the same bytes are kept', async () => {
    const path = tempDirectory();
    let now = 1_700_000_000_000;
    const blobs = openFileBlobs(path, { now: () => now });
    const { hash } = await kept(blobs, someBytes(LARGE));
    const inode = statSync(join(path, hash.slice(0, 2), hash)).ino;
    now += 5000;
    await kept(blobs, someBytes(LARGE));
    expect(statSync(join(path, hash.slice(0, 2), hash))).toMatchObject({ ino: inode, mtimeMs: now });
    await blobs.close();
  });
});
