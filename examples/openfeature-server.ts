/**
 * A server that asks for flags through OpenFeature's server SDK: one request for each evaluation, over OFREP. The
 * provider is all that OpenFeature needs to know of the registry.
 * @module
 */
import { handleEvaluationError, OFREPApi, toResolutionDetails } from '@openfeature/ofrep-core';
import { type EvaluationContext, OpenFeature, type Provider, type ResolutionDetails } from '@openfeature/server-sdk';
import { openRegistry } from './support/registry.ts';

const registry = await openRegistry();
await registry.call('PATCH', '/api/v1/configs/default', { features: { metrics: true } });
await registry.call('PUT', '/api/v1/configs/default/flags/banner', {
  definition: {
    state: 'ENABLED',
    variants: { short: 'Hello', long: 'A good day to you' },
    defaultVariant: 'short',
    targeting: { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'long'] },
  },
});

// Flags of another config: `${registry.url}/api/v1/configs/checkout%2Fproduction`.
const api = new OFREPApi({ baseUrl: registry.url, headers: registry.headers });

async function resolve<T>(key: string, own: T, context: EvaluationContext): Promise<ResolutionDetails<T>> {
  const { httpStatus, value } = await api.postEvaluateFlag(key, { context });
  // OpenFeature lets a default also be a list, which OFREP does not know.
  const fallback = own as never;
  return httpStatus === 200 ? toResolutionDetails(value, fallback) : handleEvaluationError(value, fallback);
}

const provider: Provider = {
  metadata: { name: 'c13' },
  runsOn: 'server',
  resolveBooleanEvaluation: resolve,
  resolveStringEvaluation: resolve,
  resolveNumberEvaluation: resolve,
  resolveObjectEvaluation: resolve,
};

await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();

const metrics = await client.getBooleanDetails('metrics', false);
console.log(`metrics ${metrics.value} (${metrics.reason})`);
for (const email of ['ann@example.com', 'bob@elsewhere.org']) {
  const { value, variant, reason } = await client.getStringDetails('banner', '', { targetingKey: email, email });
  console.log(`banner for ${email}: ${value} (${variant}, ${reason})`);
}
const unknown = await client.getBooleanDetails('no_such_flag', true);
console.log(`no_such_flag ${unknown.value} (${unknown.errorCode})`);

await OpenFeature.close();
await registry.close();
