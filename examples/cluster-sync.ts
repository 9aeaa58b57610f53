/**
 * Five processes share one config: each sees a change in its next plain read. Without a database the shared memory lies
 * in the data directory (`C13_DATA`).
 * @module
 */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({
  enableClusterSync: true,
  features: { new_feature: 12 },
});

if (process.argv[2] === 'worker') {
  // The primary waits for this line before it changes anything.
  console.log(`before: ${config.flags.new_feature}`);
  await new Promise<void>((resolve) => {
    // First the ear, then the look: what changes in between is heard, and what changed before is seen.
    config.subscribe(() => resolve());
    if (config.flags.new_feature) resolve();
  });
  console.log(`after: ${config.flags.new_feature}`);
  process.exit(0);
}

const workers = Array.from({ length: 5 }, () =>
  Bun.spawn([process.execPath, import.meta.path, 'worker'], { stdout: 'pipe', ipc() {} }),
);
const readers = workers.map(({ stdout }) => stdout.getReader());
const decoder = new TextDecoder();
const line = async (): Promise<string[]> =>
  await Promise.all(readers.map(async (reader) => decoder.decode((await reader.read()).value)));

const before = await line();
config.enableFeature('new_feature');
const after = await line();
console.log(before.join('') + after.join(''));
await config.close();
