/**
 * A process on another machine that follows a config over a WebSocket: reads are plain, changes arrive by themselves,
 * and what is scheduled happens here at its moment.
 * @module
 */
import { openConfigStream, type StreamedConfig } from '13byte-config';
import { openRegistry } from './support/registry.ts';

const HALF_A_SECOND_MS = 500;

const registry = await openRegistry();
const { url, token } = registry;
const off = { features: { debug: false, cache_enabled: false }, rollouts: { beta_feature: 0 } };
await registry.call('PATCH', '/api/v1/configs/default', off);

/** Asked of each config that comes, until it says yes. */
const waiting = new Set<(config: StreamedConfig) => void>();
const onChange = (config: StreamedConfig): void => waiting.forEach((look) => look(config));
const stream = openConfigStream({ url, name: 'default', token, onChange });

/** Resolves when a feature is on for everyone, or for a part of the keys. */
async function seen(feature: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = (): void => {
      const isSeen = stream.isEnabled(feature) || (stream.current?.rollouts[feature] ?? 0) > 0;
      if (isSeen && waiting.delete(look)) resolve();
    };
    waiting.add(look);
    look();
  });
}

await stream.ready;
console.log(`debug ${stream.isEnabled('debug')}`);

await registry.call('PATCH', '/api/v1/configs/default', { features: { debug: true }, reason: 'looking' });
await seen('debug');
console.log(`debug ${stream.isEnabled('debug')}`);

await registry.call('PATCH', '/api/v1/configs/default', { rollouts: { beta_feature: 50 } });
await seen('beta_feature');
const users = ['ann', 'bob', 'eve', 'joe'].filter((user) => stream.isEnabledFor('beta_feature', user));
console.log(`beta_feature for ${users.join(', ')}`);

// Told ahead: every client flips at the same moment, whether or not the registry can be reached then.
await registry.call('POST', '/api/v1/change-requests', {
  operations: [{ name: 'default', set: { features: { cache_enabled: true } } }],
  at: Date.now() + HALF_A_SECOND_MS,
});
await seen('cache_enabled');
console.log(`cache_enabled ${stream.isEnabled('cache_enabled')}`);

stream.close();
await registry.close();
