/**
 * Turns features on in the config `shop`, or deletes it (`delete`), by entries alone, past the board that others share,
 * as no config does. Says from which revision to which.
 * @module
 */
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { decodeConfig, encodeConfig } from '../../src/config/value.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { blankContent } from '../../src/live/change.ts';
import { imageOf } from '../../src/live/images.ts';
import { configsProjection } from '../../src/live/projection.ts';
import { entryOf } from '../../src/live/recorder.ts';

const [path, ...features] = process.argv.slice(2) as [string, ...('debug' | 'logging' | 'delete')[]];
const worker = (): Worker => new Worker(new URL('../../src/live/journal-worker.ts', import.meta.url).href);
const journal = await openSqliteJournal({ path, worker });
const stored = imageOf((await journal.query(configsProjection, 'state', 'shop'))!);
let before = stored;
for (const feature of features) {
  const config = decodeConfig(before.config);
  const isDeletion = feature === 'delete';
  const featureFlags = isDeletion ? 0 : (config.featureFlags | BUILTIN_FEATURES.maskOf(feature)) >>> 0;
  const next = isDeletion ? blankContent() : { config: encodeConfig({ ...config, featureFlags }) };
  const after = { ...before, ...next, revision: before.revision + 1 };
  const kind = isDeletion ? 'delete' : 'update';
  const change = { revision: after.revision, kind, at: Date.now(), before, after } as const;
  const { revision: _, ...entry } = entryOf('shop', change, { actor: 'stranger', reason: '' });
  await journal.append([{ ...entry, expected: before.revision }]);
  before = after;
}
console.log(`${stored.revision} -> ${before.revision}`);
await journal.close();
