/** A worker that writes rollouts until it is terminated. @module */
import { createProductionConfig } from '../../src/live/production-config.ts';

declare const self: Worker;

self.onmessage = ({ data: persistPath }: MessageEvent<string>) => {
  const config = createProductionConfig({ persistPath, enableClusterSync: true, name: 'shop' });
  for (let percent = 0; ; percent = (percent + 1) % 100) config.setRollout('debug', percent);
};
