/** Turns features on in the config `shop`, in memory of its own, and says from which revision to which. @module */
import { createProductionConfig } from '../../src/live/production-config.ts';

const [persistPath, ...features] = process.argv.slice(2) as [string, ...('debug' | 'logging')[]];
const config = createProductionConfig({
  persistPath,
  enableClusterSync: false,
  name: 'shop',
  features: { new_checkout: 12 },
});
const before = config.revision;
for (const feature of features) config.enableFeature(feature);
console.log(`${before} -> ${config.revision}`);
await config.close();
