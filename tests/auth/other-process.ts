/** Another process on the same data directory: does what it is told, and says when it is done. @module */
import { openHouse, OWNER } from './house.ts';

const [directory, verb, what] = process.argv.slice(2) as [string, string, string];
const { users, grants, tokens, setupLink, journal, end } = await openHouse(directory);

const does: Readonly<Record<string, () => Promise<unknown>>> = {
  revoke: () => tokens.revoke(what, OWNER),
  disable: () => users.update(what, { isDisabled: true }, OWNER),
  delete: () => users.delete(what, OWNER),
  signOutEverywhere: () => users.signOutEverywhere(what, OWNER),
  takeGrant: () => grants.delete(what, OWNER),
  somethingElse: () =>
    journal.append([
      { stream: 'config:a', type: 'x', actor: 'x', reason: '', body: new Uint8Array(0), expected: Number(what) },
    ]),
  redeem: () => setupLink.redeem(what, `admin-${process.pid}`, 'four random words here'),
};

try {
  await does[verb]!();
  process.stdout.write('done');
} catch (error) {
  process.stdout.write((error as { code?: string }).code ?? String(error));
} finally {
  await end();
}
