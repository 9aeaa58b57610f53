/** A service that sets itself up for the environment it runs in. @module */
import { createProductionConfig } from '13byte-config';

const serviceConfig = createProductionConfig({
  persistPath: './service-config.db',
  debugMode: process.env.NODE_ENV === 'development',
});

if (process.env.NODE_ENV === 'production') {
  serviceConfig.enableFeature('metrics');
  serviceConfig.enableFeature('encryption');
  serviceConfig.disableFeature('debug');
} else {
  serviceConfig.enableFeature('debug');
  serviceConfig.enableFeature('verbose');
}

await serviceConfig.persist('service_deployment');

console.log(serviceConfig.getDebugView().features.enabled.join(' '));
await serviceConfig.close();
