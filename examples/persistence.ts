/** A change that survives a restart: it is visible at once, and `persist` waits until it is on disk. @module */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({
  persistPath: './config.db',
});

await config.persist('feature_rollout');

const loaded = await config.load();
console.log(loaded);

await config.close();
