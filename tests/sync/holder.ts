/** Has the shared config `shop` open; at the end of its input it changes it, and says how that ended. @module */
import { createProductionConfig } from '../../src/live/production-config.ts';
import { isConfigError } from '../../src/errors/errors.ts';

const [persistPath] = process.argv.slice(2) as [string];
const config = createProductionConfig({ persistPath, enableClusterSync: true, name: 'shop' });
console.log(config.revision);
await Bun.stdin.text();
try {
  config.enableFeature('logging');
  console.log('changed');
} catch (error) {
  if (!isConfigError(error)) throw error;
  console.log(error.code);
}
process.exit();
