/**
 * A rollout in steps, each with its reason in the history. `gradual-rollout.ts` shows one by share of users.
 * @module
 */
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: './flags.db' });

// 10% rollout
config.enableFeature('beta_feature');
await config.persist('beta_rollout_10_percent');

// 50% rollout (implementation would check user ID)
await config.persist('beta_rollout_50_percent');

// 100% rollout
await config.persist('beta_rollout_full');

// History for audit compliance
const history = await config.getHistory();
for (const { timestamp, reason, changedFields } of history) {
  console.log(new Date(timestamp).toISOString(), reason || changedFields.join(', '));
}

await config.close();
