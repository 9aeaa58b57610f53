/** A page that follows a config, as a shop would: what it has seen is its title. Runs in the browser alone. @module */
import { openConfigStream } from '../../src/client/config-stream.ts';

const settings = new URLSearchParams(location.hash.slice(1));
const seen: unknown[] = [];
// What is scheduled within the hour is due when the connection is lost.
let ahead_ms = 0;
const stream = openConfigStream({
  clock: () => Date.now() + ahead_ms,
  onEvent: ({ type }) => {
    document.body.dataset[type] = 'heard';
    if (type === 'lost') ahead_ms = 7_200_000;
  },
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
