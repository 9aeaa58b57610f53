/**
 * Makes a sealed backup, and is killed by its own hand when the plain copy is whole: before it is sealed (0), or just
 * after (1).
 * @module
 */
import { openSeal } from '../../src/auth/seal.ts';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';

const [persistPath, keys, after] = process.argv.slice(2) as [string, string, string];
const seal = await openSeal(keys);
const sealer = {
  sealFile: async (from: string, to: string): Promise<void> => {
    if (after === '1') await seal.sealFile(from, to);
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  },
  openSealedFile: async (): Promise<void> => {},
};
await new ConfigOperations(await openConfigStore(persistPath), { sealer }).backup();
