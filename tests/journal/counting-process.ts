/** Counts one resource up, and tries to be the first to make others; says how many of these it made. @module */
import { isConfigError } from '../../src/errors/errors.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { Resources, resourcesProjection } from '../../src/journal/resources.ts';

const [path, actor, times] = process.argv.slice(2) as [string, string, string];
const journal = openLocalJournal({ path, projections: [resourcesProjection], busyTimeoutMs: 20_000 });
const counts = new Resources(journal, 'count', Number);
let made = 0;

async function make(key: string): Promise<void> {
  try {
    await counts.put(key, 1, { actor, expected: 0 });
    made++;
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_REVISION_CONFLICT') throw error;
  }
}

/** Three processes may be ahead of one by more than the library tries again. */
async function countUp(): Promise<void> {
  try {
    await counts.update('a', { actor }, (value) => value + 1);
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_REVISION_CONFLICT') throw error;
    await countUp();
  }
}

for (let i = 0; i < Number(times); i++) {
  await make(`k${i}`);
  await countUp();
}
await journal.close();
process.stdout.write(String(made));
