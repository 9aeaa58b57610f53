/** Turns features on one by one until each is acknowledged, and prints those. @module */
import { createProductionConfig } from '../../src/live/production-config.ts';
import { codeOf } from './code-of.ts';

const ATTEMPTS_MAX = 200;
const [persistPath, ...names] = process.argv.slice(2) as [string, ...string[]];
const features: Record<string, number> = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 12 + i]));
const config = createProductionConfig({ persistPath, name: 'shop', features });

async function acknowledge(feature: string): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    // Several entries in a group, and some of them under way while the next is made.
    config.setTerminalSettings(2, attempt, 1 + Number(feature.slice(1)));
    await Promise.resolve();
    config.setTerminalSettings(2, 255, attempt);
    config.enableFeature(feature);
    const code = await codeOf(config.persist(`${feature} is on`));
    if (code === 'none') return console.log(feature);
    if (code !== 'ERR_REVISION_CONFLICT') throw new Error(code);
  }
  throw new Error(`${feature} never got through`);
}

for (const name of names) await acknowledge(name);
await config.close();
