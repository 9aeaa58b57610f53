/** A page that follows a config, as a shop would: what it has seen is its title. Runs in the browser alone. @module */
import { openConfigStream } from '../../src/client/config-stream.ts';

const settings = new URLSearchParams(location.hash.slice(1));
const seen: unknown[] = [];
const stream = openConfigStream({
  url: settings.get('url')!,
  name: settings.get('name')!,
  token: settings.get('token')!,
  onChange: ({ revision, config, rollouts, features, bytes }) => {
    seen.push({ revision, rows: config.rows, flags: config.featureFlags, rollouts, features, hex: hexOf(bytes) });
    document.title = JSON.stringify(seen);
  },
  onError: ({ code }) => (document.title = code),
});
await stream.ready;
document.body.append(`${stream.isEnabled('debug')} ${stream.isEnabledFor('debug', 'ann')}`);

function hexOf(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
