/** Appends its share to one contended stream (retrying lost races) and to one of its own, through a worker. @module */

import { join } from 'node:path';
import { isConfigError } from '../../src/errors/errors.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';

const [path, name, count] = process.argv.slice(2) as [string, string, string];
const journal = await openSqliteJournal({
  path,
  busyTimeoutMs: 20_000,
  worker: () => new Worker(join(import.meta.dirname, 'journal-worker.ts')),
});
const entry = { type: 't', actor: name, reason: '', body: new TextEncoder().encode(name) };

async function contended(): Promise<void> {
  for (;;) {
    try {
      const expected = await journal.streamHead('contended');
      return void (await journal.append([{ ...entry, stream: 'contended', expected }]));
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_REVISION_CONFLICT') throw error;
    }
  }
}

for (let i = 1; i <= Number(count); i++) {
  await Promise.all([contended(), journal.append([{ ...entry, stream: `own:${name}`, revision: i }])]);
}
await journal.close();
