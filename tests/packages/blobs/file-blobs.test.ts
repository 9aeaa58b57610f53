/** Blobs in a directory: what a full disk and a killed process leave. @module */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Blobs } from '../../../src/packages/blobs/blobs.ts';
import { collect } from '../../../src/packages/blobs/collect.ts';
import { REAL_DISK } from '../../../src/packages/blobs/disk.ts';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { blobsContract } from '../../contract/blobs.contract.ts';
import { codeOf } from '../../journal/fixtures.ts';
import { all, bytesOf, draftOf, kept, sha512, someBytes, tempDirectory } from './fixtures.ts';
import { KILLED_STEPS } from './killed-steps.ts';

const LARGE = 400_000;

// One directory for all: to make and remove its 256 takes longer than most of what is tested.
const shared = mkdtempSync(join(tmpdir(), 'c13-blobs-'));
afterAll(() => rmSync(shared, { recursive: true }));

blobsContract('a directory', async () => {
  const blobs = openFileBlobs(shared);
  return {
    blobs,
    spoil: (hash, bytes) => writeFileSync(join(shared, hash.slice(0, 2), hash), bytes),
    close: async () => {
      for (const { hash } of await all(blobs.list())) await blobs.delete(hash);
      await blobs.close();
    },
  };
});

function filesIn(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(path, join(entry.parentPath, entry.name)));
}

async function exitOf(
  ...command: string[]
): Promise<{ signal: string | number | null; code: number | null; out: string }> {
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  const out = await new Response(child.stdout).text();
  await child.exited;
  return { signal: child.signalCode, code: child.exitCode, out };
}

function program(name: string): string {
  return join(import.meta.dirname, name);
}

describe('a process that is killed', () => {
  // Few bytes come to the disk otherwise than many; from then on it is the same.
  const ofFew: typeof KILLED_STEPS = ['create', 'write'];
  const steps = [...ofFew.map((step) => [step, 100] as const), ...KILLED_STEPS.map((step) => [step, LARGE] as const)];

  it.each(steps)('before %s never shows half a blob, and loses none (%d bytes)', async (step, size) => {
    const [path, source] = [join(tempDirectory(), 'blobs'), join(tempDirectory(), 'source')];
    const bytes = someBytes(size);
    const hash = sha512(bytes);
    writeFileSync(source, bytes);
    const { signal } = await exitOf(process.execPath, program('killed-keeper.ts'), path, step, source);
    expect(signal).toBe('SIGKILL');
    const blobs = openFileBlobs(path);
    const found = await all(blobs.list());
    for (const blob of found) expect(sha512(await bytesOf(blobs, blob.hash))).toBe(blob.hash);
    // What was about to be deleted is there: whoever kept it again meanwhile has lost nothing.
    if (step === 'syncDirectory' || step === 'remove') expect(found.map((blob) => blob.hash)).toEqual([hash]);
    await kept(blobs, bytes);
    expect(sha512(await bytesOf(blobs, hash))).toBe(hash);
    await blobs.close();
    expect(filesIn(path)).toEqual([join(hash.slice(0, 2), hash)]);
    expect(readdirSync(join(path, 'drafts'))).toEqual([]);
  });
});

describe('drafts', () => {
  it('of a store that is closed go, and so do those of one that was not', async () => {
    const path = tempDirectory();
    const first = openFileBlobs(path);
    const { hash } = await kept(first, someBytes(LARGE));
    await draftOf(first, someBytes(LARGE, 'b'));
    const second = openFileBlobs(path);
    expect(filesIn(path)).toHaveLength(1);
    await draftOf(second, someBytes(LARGE, 'c'));
    await second.close();
    expect(filesIn(path)).toEqual([join(hash.slice(0, 2), hash)]);
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
    const command = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`;
    const { code, out } = await exitOf('bash', '-c', command, process.execPath, program('limited.ts'), path);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ large: 'ERR_BLOB', small: 'none' });
    const small = sha512(new Uint8Array(100));
    expect(filesIn(path)).toEqual([join(small.slice(0, 2), small)]);
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

describe('collecting', () => {
  it('goes in parts, in order, and gives others their turn', async () => {
    const blobs = openFileBlobs(tempDirectory());
    const bodies = Array.from({ length: 210 }, (_, i) => someBytes(8, `part ${i}`));
    for (const body of bodies) await kept(blobs, body);
    const named = new Set(bodies.slice(0, 30).map(sha512));
    const looked: string[] = [];
    const isNamed = (hash: string): boolean => looked.push(hash) > 0 && named.has(hash);
    const rules = { olderThan_ms: 0, now: () => Date.now() + 86_400_000 };
    let others = 0;
    let turn = setImmediate(function again() {
      others++;
      turn = setImmediate(again);
    });
    const first = await collect(blobs, isNamed, { ...rules, isEnough: ({ seen }) => seen === 105 });
    clearImmediate(turn);
    expect([first.seen, first.cursor, others > 0]).toEqual([105, looked.at(-1), true]);
    const second = await collect(blobs, isNamed, { ...rules, after: first.cursor! });
    expect([first.seen + second.seen, first.deleted + second.deleted, second.cursor]).toEqual([210, 180, null]);
    expect(looked).toEqual(bodies.map(sha512).toSorted());
    expect((await all(blobs.list())).map(({ hash }) => hash)).toEqual([...named].toSorted());
    await blobs.close();
  });

  it('deletes nothing that is listed out of order', async () => {
    const blobs = openFileBlobs(tempDirectory());
    for (const seed of ['a', 'b', 'c']) await kept(blobs, someBytes(8, seed));
    const listed = await all(blobs.list());
    const list = async function* () {
      yield* listed.toReversed();
    };
    const confused: Blobs = { ...blobs, list, delete: (hash, since) => blobs.delete(hash, since) };
    const rules = { olderThan_ms: -1000 };
    expect(await codeOf(collect(confused, (hash) => hash === listed.at(-1)!.hash, rules))).toBe('ERR_BLOB');
    expect(await all(blobs.list())).toHaveLength(3);
    await blobs.close();
  });
});
