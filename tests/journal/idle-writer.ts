/** Appends three entries and ends without closing: the journal must neither hold the process nor lose them. @module */

import { join } from 'node:path';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';

const path = process.argv[2]!;
const journal = await openSqliteJournal({
  path,
  worker: () => new Worker(join(import.meta.dirname, 'journal-worker.ts')),
});
const entry = (expected: number) => ({
  stream: 'a',
  expected,
  type: 't',
  actor: 'a',
  reason: '',
  body: new Uint8Array(1),
});
const appends = [0, 1, 2].map((expected) => journal.append([entry(expected)]));
void Promise.all(appends).then((results) => console.log(`appended ${results.length}`));
