/** Keeps a blob, and is killed before one of the steps; of writing, in the middle. @module */
import { type Disk, REAL_DISK } from '../../../src/packages/blobs/disk.ts';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { draftOf, someBytes } from './fixtures.ts';

const [path, step, size] = process.argv.slice(2) as [string, keyof Disk, string];

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
await (await draftOf(openFileBlobs(path, { disk }), someBytes(Number(size)))).keep();
