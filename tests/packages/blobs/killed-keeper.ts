/**
 * Keeps the bytes of a file as a blob, deletes it if that is where it shall die, and is killed before one of the steps;
 * of writing, in the middle. It loads the store alone: many of it are started.
 * @module
 */
import { type Disk, REAL_DISK } from '../../../src/packages/blobs/disk.ts';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';

const [path, step, source] = process.argv.slice(2) as [string, keyof Disk, string];

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

const disk: Disk = {
  ...REAL_DISK,
  [step]: (file: number, bytes: Uint8Array) => {
    if (step === 'write') REAL_DISK.write(file, bytes.subarray(0, bytes.length / 2));
    die();
  },
};
const blobs = openFileBlobs(path, { disk });
const draft = await blobs.draft(Bun.file(source).stream(), 1_000_000);
await draft.keep();
await blobs.delete(draft.hash);
