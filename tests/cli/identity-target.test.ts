/** The contract of identity targets: over a registry in a process of its own, and over its data directory. @module */
import { databaseIn } from '../../src/live/data-directory.ts';
import { openDatabaseIdentity } from '../../src/cli/database-identity.ts';
import { HttpIdentity } from '../../src/cli/http-identity.ts';
import { RegistryClient } from '../../src/cli/registry-client.ts';
import { describeIdentityTarget } from '../contract/identity-target.contract.ts';
import { startRegistry, Workplace } from './cli.ts';

const signal = new AbortController().signal;

/** A registry whose administrator is `ann`, and her token. */
async function started() {
  const workplace = new Workplace();
  const registry = await startRegistry(workplace.data);
  const { stdout } = await workplace.c13(['setup-link']);
  const secret = new URL(stdout.trim()).searchParams.get('secret')!;
  const body = { secret, user: 'ann', password: 'four random words here' };
  const { token } = await new RegistryClient({ url: registry.url, signal }).json<{ token: string }>('/api/v1/setup', {
    method: 'POST',
    body,
  });
  return { workplace, registry, token };
}

describeIdentityTarget('registry', async () => {
  const { workplace, registry, token } = await started();
  return {
    target: new HttpIdentity(new RegistryClient({ url: registry.url, signal, token })),
    async close() {
      await registry.stop();
      workplace[Symbol.dispose]();
    },
  };
});

describeIdentityTarget('database', async () => {
  const { workplace, registry } = await started();
  await registry.stop();
  const target = await openDatabaseIdentity(databaseIn(workplace.data));
  return {
    target,
    async close() {
      await target.close();
      workplace[Symbol.dispose]();
    },
  };
});
