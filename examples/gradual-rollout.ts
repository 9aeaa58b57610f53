/** From ten percent of the users to all of them: whoever has a feature keeps it while the share grows. @module */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: './flags.db' });
const users = Array.from({ length: 1000 }, (_, i) => `user-${i}`);
const share = (): number => users.filter((user) => config.isEnabledFor('beta_feature', user)).length / users.length;

config.setRollout('beta_feature', 10);
await config.persist('beta_rollout_10_percent');
const first = share();

config.setRollout('beta_feature', 50);
await config.persist('beta_rollout_50_percent');
const second = share();

config.enableFeature('beta_feature');
await config.persist('beta_rollout_full');
console.log(`share: ${first} then ${second} then ${share()}`);

for (const { timestamp, reason, changedFields } of await config.getHistory()) {
  console.log(new Date(timestamp).toISOString(), reason || changedFields.join(', '));
}

await config.close();
