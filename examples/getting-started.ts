/** All of it at once. @module */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({
  persistPath: './config.db',
  debugMode: true,
});

config.enableFeature('metrics');
await config.persist('production_setup');

console.log(config.getDebugView());
await config.close();
