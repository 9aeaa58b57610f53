/**
 * Does what it is told to the configs of a database (`delete <name>`, `bulk <json>`), and is killed by its own hand
 * when the change is visible and its entries are about to be sent to the journal.
 * @module
 */
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';

const [persistPath, verb, what] = process.argv.slice(2) as [string, 'delete' | 'bulk', string];
const Real = globalThis.Worker;
globalThis.Worker = class extends Real {
  override postMessage(message: any, ...rest: []): void {
    if (message.method === 'append') process.kill(process.pid, 'SIGKILL');
    super.postMessage(message, ...rest);
  }
};

const operations = new ConfigOperations(await openConfigStore(persistPath));
if (verb === 'delete') await operations.delete(what, { actor: 'child' });
else await operations.bulk(JSON.parse(what), { actor: 'child' });
console.log('survived');
