/** A large publish must not cost memory in its size: measured of a process that does nothing else. @module */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempDirectory } from '../blobs/fixtures.ts';

const MEMORY_BYTES = 150 * 1024 * 1024;

it('publishes 100 MB in less memory than that', async () => {
  const program = join(import.meta.dirname, 'large-publish.ts');
  const child = Bun.spawn([process.execPath, program, tempDirectory()], { stdout: 'pipe', stderr: 'inherit' });
  const told = JSON.parse(await new Response(child.stdout).text()) as Record<string, number>;
  expect(told['size_bytes']).toBeGreaterThan(100 * 1024 * 1024);
  expect(told['unpackedSize_bytes']).toBeGreaterThan(100 * 1024 * 1024);
  expect(told['memory_bytes']).toBeLessThan(MEMORY_BYTES);
});
