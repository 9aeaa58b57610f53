/** What a client shows when the registry says no: our sentence where it passes that on, else its own. @module */
import { expect, it } from 'vitest';
import type { Kind } from './kinds.ts';
import { fails, prepare } from './place.ts';
import { PLAIN, type Shop } from './shop.ts';

/** To whoever asks for what there is not. Bun and pnpm show the status, Yarn 4 words of its own. */
const UNKNOWN_PACKAGE: Readonly<Record<Kind, RegExp>> = {
  npm: /404 Not Found - GET \S+\/no-such-thing - There is no package "no-such-thing"\./,
  bun: /GET \S+\/no-such-thing - 404/,
  pnpm: /ERR_PNPM_FETCH_404\s+GET \S+\/no-such-thing: Not Found - 404/,
  yarn1: /no-such-thing: There is no package "no-such-thing"\./,
  yarn4: /Package not found[\s\S]*404 \(Not Found\)/,
};
const UNKNOWN_VERSION = /No matching version|No version matching|Couldn't find any versions|No candidates found/;
/** To whoever shows a token that nobody knows. */
const UNKNOWN_TOKEN: Readonly<Record<Kind, RegExp>> = {
  npm: /401 Unauthorized - PUT \S+ - These credentials are not accepted\./,
  bun: /401 Unauthorized: \S+\s+- These credentials are not accepted\./,
  pnpm: /401 Unauthorized - PUT \S+ - These credentials are not accepted\./,
  yarn1: /theirs: These credentials are not accepted\./,
  yarn4: /Invalid authentication/,
};

export function refusing(shop: Shop): void {
  const { kind } = shop;

  it('hears what there is not', async () => {
    const app = shop.client.project('wants', {});
    expect(await fails(shop.client, 'add', app, ['no-such-thing'])).toMatch(UNKNOWN_PACKAGE[kind]);
    expect(await fails(shop.client, 'add', app, [`${PLAIN}@9`])).toMatch(UNKNOWN_VERSION);
  });

  it('hears that somebody may not publish, and that nobody knows a token', async () => {
    const bob = shop.place.client(kind, 'bob');
    const his = await prepare(bob, bob.package('theirs', '1.0.0'));
    expect(await fails(bob, 'publish', his)).toMatch(/bob\/laptop may not publish package:theirs\./);
    const nobody = shop.place.clientWith(kind, `c13_${'0'.repeat(16)}_${'x'.repeat(43)}`);
    const nobodys = await prepare(nobody, nobody.package('theirs', '1.0.0'));
    expect(await fails(nobody, 'publish', nobodys)).toMatch(UNKNOWN_TOKEN[kind]);
    expect((await shop.place.call('GET', '/theirs')).status).toBe(404);
  });
}
