/** All processes of a deployment on one config that is shared and remembered. @module */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({
  persistPath: './cluster-config.db',
});

if (process.argv[2] === 'other') {
  console.log(`other process: maintenance ${config.isFeatureEnabled('maintenance_mode')}`);
  config.disableFeature('maintenance_mode');
} else {
  config.enableFeature('maintenance_mode');
  const { stdout } = Bun.spawnSync([process.execPath, import.meta.path, 'other']);
  console.log(stdout.toString().trim());
  console.log(`this process: maintenance ${config.isFeatureEnabled('maintenance_mode')}`);
}

await config.close();
