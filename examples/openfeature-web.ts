/**
 * A page that has its flags from the registry through OpenFeature's web SDK: all of them at once, and again when one
 * has changed. A real page shows a browser token, which sees only what is `clientVisible`.
 * @module
 */
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, type Provider, ProviderEvents } from '@openfeature/web-sdk';
import { openRegistry } from './support/registry.ts';

const registry = await openRegistry();
const theme = (defaultVariant: string): object => ({
  clientVisible: true,
  definition: {
    state: 'ENABLED',
    variants: { light: '#ffffff', dark: '#202020' },
    defaultVariant,
    targeting: { if: [{ '==': [{ var: 'prefers' }, 'dark'] }, 'dark'] },
  },
});
await registry.call('PUT', '/api/v1/configs/default/flags/theme', theme('light'));

const provider = new OFREPWebProvider({
  baseUrl: registry.url,
  headers: registry.headers,
  // Browsers hear of changes by themselves. There is no EventSource here, so this asks again.
  changeDetection: 'polling',
  pollInterval: 100,
}) as Provider;
await OpenFeature.setContext({ targetingKey: 'visitor-1', prefers: 'dark' });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
console.log(`prefers dark: ${client.getStringValue('theme', '#000000')}`);

await OpenFeature.setContext({ targetingKey: 'visitor-1' });
console.log(`prefers nothing: ${client.getStringValue('theme', '#000000')}`);

const changed = new Promise<readonly string[]>((resolve) => {
  client.addHandler(ProviderEvents.ConfigurationChanged, (event) => resolve(event?.flagsChanged ?? []));
});
await registry.call('PUT', '/api/v1/configs/default/flags/theme', theme('dark'));
console.log(`changed: ${(await changed).join(', ')}`);
console.log(`prefers nothing: ${client.getStringValue('theme', '#000000')}`);

await OpenFeature.close();
await registry.close();
