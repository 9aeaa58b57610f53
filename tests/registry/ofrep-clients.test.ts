/** The official clients against a running registry: what they read, and that they hear of changes. @module */
import { ErrorCode, type EvaluationContext, type ResolutionDetails } from '@openfeature/core';
import { handleEvaluationError, OFREPApi, toResolutionDetails } from '@openfeature/ofrep-core';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature as ServerFeature, type Provider as ServerProvider } from '@openfeature/server-sdk';
import { OpenFeature as WebFeature, ProviderEvents, type Provider } from '@openfeature/web-sdk';
import { expect, it, onTestFinished } from 'vitest';
import { startWithAdmin, type Somebody } from './identity-fixtures.ts';
import { eventsOf } from './event-reader.ts';
import { FetchedEvents } from './fetched-events.ts';
import { BANNER, DEFINITIONS } from './ofrep-fixtures.ts';

const PAGE_TOKEN = { isBrowser: true, scope: [{ role: 'viewer', pattern: 'config:checkout/*' }] };
const FLAGS = '/api/v1/configs/checkout%2Fproduction/flags';

async function start() {
  const { registry, ann } = await startWithAdmin();
  await ann.call('POST', '/api/v1/configs', { name: 'checkout/production', features: { metrics: true } });
  for (const [key, definition] of Object.entries(DEFINITIONS)) await put(ann, key, { definition });
  const baseUrl = `${registry.url}/api/v1/configs/checkout%2Fproduction`;
  return { registry, ann, baseUrl };
}

async function put(ann: Somebody, key: string, flag: object): Promise<void> {
  const { status, body } = await ann.call('PUT', `${FLAGS}/${key}`, flag);
  if (status >= 300) throw new Error(JSON.stringify(body));
}

async function newToken(ann: Somebody, fields: object): Promise<string> {
  const { status, body } = await ann.call('POST', '/api/v1/tokens', { name: 'client', ...fields });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.secret;
}

/** What the server provider of OFREP is: one request for each evaluation. */
function serverProvider(baseUrl: string, token: string): ServerProvider {
  const api = new OFREPApi({ baseUrl, headers: [['Authorization', `Bearer ${token}`]] });
  const resolve = async (
    key: string,
    fallback: unknown,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<any>> => {
    const result = await api.postEvaluateFlag(key, { context });
    if (result.httpStatus !== 200) return handleEvaluationError(result.value, fallback as never);
    return toResolutionDetails(result.value, fallback as never);
  };
  return {
    metadata: { name: 'ofrep' },
    runsOn: 'server',
    resolveBooleanEvaluation: resolve,
    resolveStringEvaluation: resolve,
    resolveNumberEvaluation: resolve,
    resolveObjectEvaluation: resolve,
  };
}

it('a server asks for one flag at a time', async () => {
  const { ann, baseUrl } = await start();
  await ServerFeature.setProviderAndWait(serverProvider(baseUrl, await newToken(ann, { readOnly: true })));
  onTestFinished(() => ServerFeature.close());
  const client = ServerFeature.getClient();
  const pro = { targetingKey: 'u', plan: 'pro' };
  const banner = await client.getStringDetails('banner', '-', pro);
  expect(banner).toMatchObject({
    value: 'HELLO',
    variant: 'bold',
    reason: 'TARGETING_MATCH',
    flagMetadata: { team: 'shop' },
  });
  expect(await client.getStringValue('banner', '-', {})).toBe('Hello');
  expect(await client.getBooleanDetails('metrics', false)).toMatchObject({
    value: true,
    reason: 'STATIC',
    variant: 'on',
  });
  expect(await client.getNumberValue('size', 0)).toBe(1.5);
  expect(await client.getObjectValue('shape', {})).toEqual({ deep: [1, null] });
  expect(await client.getObjectDetails('own', { mine: 1 })).toMatchObject({ value: { mine: 1 }, reason: 'DEFAULT' });
  expect(await client.getNumberDetails('off', 9)).toMatchObject({ value: 9, reason: 'DISABLED' });
  const codes = [
    (await client.getBooleanDetails('nobody', true)).errorCode,
    (await client.getBooleanDetails('banner', true)).errorCode,
    (await client.getStringDetails('banner', '-', { a: { constructor: 1 } as never })).errorCode,
  ];
  expect(codes).toEqual([ErrorCode.FLAG_NOT_FOUND, ErrorCode.TYPE_MISMATCH, ErrorCode.INVALID_CONTEXT]);
});

it('a page has all flags that it may see, and hears of a change', async () => {
  const { ann, baseUrl } = await start();
  await put(ann, 'banner', { definition: BANNER, clientVisible: true });
  const token = await newToken(ann, PAGE_TOKEN);
  const headers: [string, string][] = [['X-API-Key', token]];
  globalThis.EventSource = FetchedEvents as never;
  onTestFinished(() => void Reflect.deleteProperty(globalThis, 'EventSource'));
  const provider = new OFREPWebProvider({ baseUrl, headers, cacheMode: 'disabled' }) as Provider;
  const client = WebFeature.getClient();
  await WebFeature.setContext({ targetingKey: 'u', plan: 'free' });
  await WebFeature.setProviderAndWait(provider);
  onTestFinished(() => WebFeature.close());
  expect(client.getStringValue('banner', '-')).toBe('Hello');
  expect(client.getNumberDetails('size', 0).errorCode).toBe(ErrorCode.FLAG_NOT_FOUND);
  await WebFeature.setContext({ targetingKey: 'u', plan: 'pro' });
  expect(client.getStringDetails('banner', '-')).toMatchObject({ value: 'HELLO', reason: 'TARGETING_MATCH' });
  const changed = Promise.withResolvers<readonly string[]>();
  client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changed.resolve(event?.flagsChanged ?? []));
  await FetchedEvents.opened;
  await put(ann, 'banner', { definition: { ...BANNER, variants: { plain: 'a', bold: 'B' } }, clientVisible: true });
  expect(await changed.promise).toContain('banner');
  expect(client.getStringValue('banner', '-')).toBe('B');
});

it('a registry that stops ends the streams that it has', async () => {
  const { registry, ann, baseUrl } = await start();
  const { body } = await ann.call('POST', `${new URL(baseUrl).pathname}/ofrep/v1/evaluate/flags`, {});
  const reader = eventsOf(await fetch(registry.url + body.eventStreams[0].endpoint.requestUri));
  await reader.next();
  registry.child.kill('SIGTERM');
  await reader.end();
  expect(await registry.child.exited).toBe(0);
});
