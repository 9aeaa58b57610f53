/** Seals and opens a large file, and says by how much the process grew while it did. @module */
import { join } from 'node:path';
import { openKeys } from '../../src/auth/keys.ts';

const [directory = '', large = ''] = process.argv.slice(2);
const { seal } = await openKeys(directory);
const [sealed, opened] = [join(directory, 'sealed'), join(directory, 'opened')];
const before_bytes = peak_bytes();
await seal.sealFile(large, sealed);
await seal.openSealedFile(sealed, opened);
const grown_bytes = peak_bytes() - before_bytes;
console.log(JSON.stringify({ grown_bytes, isSame: Bun.file(opened).size === Bun.file(large).size }));

function peak_bytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
