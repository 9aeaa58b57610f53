/**
 * Puts a rule into a database; told so, it is killed by its own hand when the rule is on disk and nobody has been told
 * of it.
 * @module
 */
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';

const [persistPath, code, rule, how] = process.argv.slice(2) as [string, string, string, string?];
const Real = globalThis.Worker;
if (how === 'dies') {
  globalThis.Worker = class extends Real {
    constructor(...args: ConstructorParameters<typeof Real>) {
      super(...args);
      // Heard before the journal hears it: an append is answered with a list of entries.
      this.addEventListener('message', ({ data }) => {
        if (Array.isArray(data.value) && data.value[0]?.type === 'rule.put') process.kill(process.pid, 'SIGKILL');
      });
    }
  };
}
const store = await openConfigStore(persistPath);
await new ConfigOperations(store).declarations.putRule(code, JSON.parse(rule), { actor: 'child' });
await store.close();
