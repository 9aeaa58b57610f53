/** The page of the browser test: the official provider, as a shop would use it. Runs in the browser alone. @module */
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents, type Provider } from '@openfeature/web-sdk';

const settings = new URLSearchParams(location.hash.slice(1));
const client = OpenFeature.getClient();
const seen: string[] = [];
const show = (): void => {
  seen.push(client.getStringValue('banner', '-'));
  document.title = seen.join(' ');
};
client.addHandler(ProviderEvents.ConfigurationChanged, show);
await OpenFeature.setContext({ targetingKey: 'u', plan: settings.get('plan')! });
const headers: [string, string][] = [['X-API-Key', settings.get('token')!]];
const baseUrl = settings.get('baseUrl')!;
const provider = new OFREPWebProvider({ baseUrl, headers, cacheMode: 'network-first' });
await OpenFeature.setProviderAndWait(provider as Provider);
show();
