/** Keeps a large blob and a small one where no file may grow beyond 100 KB, as on a disk that is full. @module */
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { codeOf } from '../../journal/fixtures.ts';
import { kept, someBytes } from './fixtures.ts';

const [path] = process.argv.slice(2) as [string];
if (process.env['C13_TEST_IS_LIMITED'] === undefined) {
  const command = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`;
  const again = ['bash', '-c', command, process.execPath, import.meta.filename, path];
  const child = Bun.spawn(again, {
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, C13_TEST_IS_LIMITED: '1' },
  });
  process.exit(await child.exited);
}
const blobs = openFileBlobs(path);
const large = await codeOf(kept(blobs, someBytes(400_000)));
const small = await codeOf(kept(blobs, someBytes(100)));
await blobs.close();
console.log(JSON.stringify({ large, small }));
