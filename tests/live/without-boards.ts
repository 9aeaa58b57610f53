/**
 * A process without the native core, so without boards, on a database: opens a config and a store, says so, waits for a
 * line, changes both, and prints what it saw as JSON. To be run in a copy of the sources that has no native library.
 * @module
 */
import { openConfigStore } from '../../src/live/config-store.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { codeOf } from './code-of.ts';

const [persistPath, when] = process.argv.slice(2) as [string, 'opens' | 'changes'];
const saw: Record<string, unknown> = {};

async function change(): Promise<void> {
  const [config, store] = [createProductionConfig({ persistPath, name: 'shop' }), await openConfigStore(persistPath)];
  const commit = (rows: number) =>
    store.commit('mail', {
      kind: 'update',
      create: true,
      signature: { actor: 'store', reason: '' },
      change: (current) => ({ ...current, config: { ...current.config, rows } }),
    });
  saw.sharing = store.sharing;
  config.enableFeature('debug');
  saw.alone = [await codeOf(config.persist('alone')), await codeOf(commit(30))];
  console.log('open');
  for await (const _ of console) break;
  config.enableFeature('logging');
  saw.shared = [await codeOf(config.persist('shared')), await codeOf(commit(40)), await codeOf(commit(30))];
  saw.stored = (await store.history('mail')).entries.map(({ config }) => config.rows);
  saw.closed = [await codeOf(config.close()), await codeOf(store.close())];
}

if (when === 'changes') await change();
saw.opens = [
  await codeOf((async () => await createProductionConfig({ persistPath, name: 'shop' }).close())()),
  await codeOf((async () => await (await openConfigStore(persistPath)).close())()),
  await codeOf((async () => await createProductionConfig({ persistPath, enableClusterSync: true }).close())()),
];
console.log(JSON.stringify(saw));
