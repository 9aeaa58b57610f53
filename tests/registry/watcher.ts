/**
 * A process that has a config open and does nothing but read: says what it sees whenever it is different. `flip` on its
 * input makes it change the feature itself.
 * @module
 */
import { createProductionConfig } from '../../src/index.ts';

const [persistPath, name] = process.argv.slice(2) as [string, string];
const config = createProductionConfig({ persistPath, enableClusterSync: true, name, actor: `watcher ${process.pid}` });
let seen: boolean | null = null;
setInterval(() => {
  const { debug } = config.flags;
  if (debug === seen) return;
  seen = debug;
  console.log(`debug ${debug}`);
}, 1);
for await (const line of console) {
  if (line !== 'flip') continue;
  config.toggleFeature('debug');
  await config.persist('flipped by a process');
  console.log('flipped');
}
