/** Keeps a large blob and a small one where no file may grow beyond 100 KB, as on a disk that is full. @module */
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';

const [path] = process.argv.slice(2) as [string];
const blobs = openFileBlobs(path);

/** The code of what went wrong. */
async function kept(size_bytes: number): Promise<string> {
  try {
    const draft = await blobs.draft(new Blob([new Uint8Array(size_bytes)]).stream(), 1_000_000);
    await draft.keep();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const [large, small] = [await kept(400_000), await kept(100)];
await blobs.close();
console.log(JSON.stringify({ large, small }));
