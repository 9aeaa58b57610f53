/**
 * Writes to the shared config `shop` in the way it is told: `flags` and `mixed` until killed (a line after each
 * change), `rollouts <feature>` to 100 percent in steps, `dies <what>` by its own hand between a swap and its entry.
 * @module
 */
import { writeSync } from 'node:fs';
import { createProductionConfig } from '../../src/live/production-config.ts';

const [persistPath, task, what] = process.argv.slice(2) as [string, string, string];
const FEATURES = { one: 12, two: 13, three: 14, four: 15 } as const;
const config = createProductionConfig({ persistPath, enableClusterSync: true, name: 'shop', features: FEATURES });
const names = Object.keys(FEATURES) as (keyof typeof FEATURES)[];

async function change(i: number): Promise<void> {
  const feature = names[i % names.length]!;
  if (task === 'mixed' && i % 3 === 0) config.setRollout(feature, (i * 7) % 101);
  else config.toggleFeature(feature);
  writeSync(1, `${config.revision}\n`);
  // Sometimes entries get a turn, sometimes many swaps share one.
  if (i % 5 === 0) await new Promise(setImmediate);
  if (i % 11 === 0) await config.persist('checkpoint');
}

if (task === 'dies') {
  if (what === 'flag') config.enableFeature('two');
  else config.setRollout('two', 77);
  process.kill(process.pid, 'SIGKILL');
}
if (task === 'rollouts') {
  for (let percent = 1; percent <= 100; percent++) {
    config.setRollout(what as 'one', percent);
    if (percent % 10 === 0) await new Promise(setImmediate);
  }
} else if (task === 'toggles') {
  for (let i = 0; i < 200; i++) {
    config.toggleFeature(what as 'one');
    if (i % 10 === 0) await new Promise(setImmediate);
  }
} else {
  for (let i = 0; ; i++) await change(i);
}
await config.close();
