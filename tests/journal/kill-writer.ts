/**
 * Appends until it is killed: says `try <id>` before each append and `ack <id> <seq> <hash>` after it. Each line is one
 * write to a pipe, which outlives the process.
 * @module
 */

import { writeSync } from 'node:fs';
import { openLocalJournal } from '../../src/journal/local.ts';
import { latestBodies } from './fixtures-projection.ts';

const [path, round] = process.argv.slice(2) as [string, string];
const journal = openLocalJournal({ path, projections: [latestBodies], busyTimeoutMs: 20_000 });
const lane = async (name: string): Promise<never> => {
  for (let i = 0; ; i++) {
    const id = `${round}-${name}-${i}`;
    writeSync(1, `try ${id}\n`);
    const entry = {
      stream: `lane:${name}`,
      type: 't',
      actor: 'writer',
      reason: '',
      body: new TextEncoder().encode(id),
    };
    const head = await journal.streamHead(entry.stream);
    const [appended] = await journal.append([{ ...entry, revision: head + 1 + (i % 2) }]).catch((error) => {
      // Two writers run at once: a claimed revision may be taken. That append was answered, and is not on disk.
      if (error.code !== 'ERR_REVISION_CONFLICT') throw error;
      writeSync(1, `no ${id}\n`);
      return [undefined];
    });
    if (appended !== undefined) writeSync(1, `ack ${id} ${appended.seq} ${appended.hash}\n`);
  }
};
await Promise.all(['a', 'b', 'c'].map(lane));
