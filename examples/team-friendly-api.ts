/** Features by name, a terminal in words, and a config that people can read. @module */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig();

config.enableFeature('debug');
config.enableFeature('metrics');
config.setTerminalSettings(2, 50, 120);

console.log(config.getDebugView());
console.log(config);

const start = Bun.nanoseconds();
config.enableFeature('logging');
const duration = Bun.nanoseconds() - start;
console.log(duration > 0);
