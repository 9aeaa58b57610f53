/** Changes three configs together, again and again, and says so after each, until it is killed. @module */
import { writeSync } from 'node:fs';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';

const operations = new ConfigOperations(await openConfigStore(process.argv[2]!));
for (let i = 0; ; i++) {
  const rows = 1 + (i % 255);
  await operations.bulk(
    ['a', 'b', 'new'].map((name) => ({ name, set: { rows } })),
    { actor: 'child' },
  );
  writeSync(1, `${rows}\n`);
}
