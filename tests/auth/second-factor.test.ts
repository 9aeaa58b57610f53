/**
 * The second factor: codes as RFC 6238 has them, each counted once, also when many are shown at the same moment; and
 * nothing of it readable where it is kept.
 * @module
 */
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import { expect, onTestFinished, test } from 'vitest';
import { openKeys } from '../../src/auth/keys.ts';
import { SecondFactor } from '../../src/auth/second-factor.ts';
import { openSideStore } from '../../src/journal/side-store.ts';
import { tempDirectory } from '../journal/fixtures.ts';

const START = 1_700_000_010_000;

async function opened() {
  const directory = tempDirectory();
  const clock = { now: START };
  const keyring = openSideStore({ path: join(directory, 'keyring.db'), durable: true, clock: () => clock.now });
  onTestFinished(() => keyring.close());
  const { seal } = await openKeys(directory);
  const factor = new SecondFactor({ keyring, seal, clock: () => clock.now });
  return { directory, clock, keyring, seal, factor };
}

type Opened = Awaited<ReturnType<typeof opened>>;

function codeOf(url: string, at: number): string {
  const secret = new URL(url).searchParams.get('secret')!;
  return new TOTP({ secret }).generate({ timestamp: at });
}

/** Switched on a while ago. */
async function on({ factor, clock }: Opened, user = 'ann') {
  const url = await factor.begin(user, 'auth-only', 'registry.example');
  const recovery = await factor.confirm(user, codeOf(url, clock.now));
  if (recovery === null) throw new Error('not confirmed');
  clock.now += 120_000;
  return { url, recovery };
}

// RFC 6238, appendix B: the last six digits, of the secret '12345678901234567890'.
test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('knows the codes of the standard (%i s)', async (time_s, code) => {
  const { factor, keyring, seal, clock } = await opened();
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const sealed = await seal.sealText('second factor', JSON.stringify({ user: 'ann', mode: 'auth-only', secret }));
  keyring.set('second-factor', 'ann', sealed);
  clock.now = time_s * 1000;
  expect(await factor.accepts('ann', code, null)).toBe(true);
});

test('counts when an app has shown that it makes its codes, and not before', async () => {
  const { factor, clock } = await opened();
  expect(await factor.of('ann')).toBeNull();
  const url = await factor.begin('ann', 'auth-and-writes', 'registry.example');
  expect(url).toMatch(/^otpauth:\/\/totp\/registry\.example:ann\?issuer=registry\.example&secret=[A-Z2-7]{32}&/);
  expect(await factor.of('ann')).toEqual({ mode: 'auth-and-writes', isPending: true });
  expect(await factor.accepts('ann', codeOf(url, clock.now), null)).toBe(false);
  expect(await factor.confirm('ann', '000000')).toBeNull();
  expect(await factor.confirm('ann', codeOf(url, clock.now))).toHaveLength(10);
  expect(await factor.of('ann')).toEqual({ mode: 'auth-and-writes', isPending: false });
  clock.now += 1;
  // The code that confirmed it was used.
  expect(await factor.accepts('ann', codeOf(url, clock.now), null)).toBe(false);
});

test('is there with its recovery codes, or not at all', async () => {
  const { factor, clock, keyring } = await opened();
  const url = await factor.begin('ann', 'auth-only', 'registry.example');
  const code = codeOf(url, clock.now);
  const disk = new Database(keyring.path);
  onTestFinished(() => disk.close());
  disk.run(
    "CREATE TRIGGER full BEFORE INSERT ON things WHEN NEW.space = 'recovery-code' BEGIN SELECT RAISE(ABORT, 'x'); END",
  );
  await expect(factor.confirm('ann', code)).rejects.toMatchObject({ code: 'ERR_STORE' });
  expect([factor.has('ann'), await factor.of('ann')]).toEqual([false, { mode: 'auth-only', isPending: true }]);
  disk.run('DROP TRIGGER full');
  expect(await factor.confirm('ann', code)).toHaveLength(10);
  expect(factor.has('ann')).toBe(true);
});

test('is begun for a quarter of an hour', async () => {
  const { factor, clock } = await opened();
  const url = await factor.begin('ann', 'auth-only', 'registry.example');
  clock.now += 15 * 60_000;
  expect(await factor.confirm('ann', codeOf(url, clock.now))).toBeNull();
  expect(await factor.of('ann')).toBeNull();
});

test('takes the code of now, the one before and the one after, and no other', async () => {
  const house = await opened();
  const { url } = await on(house);
  const { factor, clock } = house;
  const taken: number[] = [];
  for (const step of [-3, -2, -1, 0, 1, 2, 3]) {
    if (await factor.accepts('ann', codeOf(url, clock.now + step * 30_000), null)) taken.push(step);
  }
  expect(taken).toEqual([-1, 0, 1]);
});

test('counts a code once, but for the credential that has shown it', async () => {
  const house = await opened();
  const { url } = await on(house);
  const { factor, clock } = house;
  const code = codeOf(url, clock.now);
  const shown = await Promise.all(
    Array.from({ length: 8 }, (_, index) => factor.accepts('ann', code, `token ${index}`)),
  );
  expect(shown.filter(Boolean)).toHaveLength(1);
  const by = `token ${shown.indexOf(true)}`;
  expect(await factor.accepts('ann', code, by)).toBe(true);
  expect(await factor.accepts('ann', code, null)).toBe(false);
  clock.now += 90_000;
  expect(await factor.accepts('ann', code, by)).toBe(false);
});

test('has ten recovery codes, each good for one time, however it is typed', async () => {
  const house = await opened();
  const { recovery } = await on(house);
  const { factor } = house;
  expect(new Set(recovery).size).toBe(10);
  const [first, second, third] = recovery as [string, string, string];
  expect(first).toMatch(/^(\d{6} ){3}\d{6}$/);
  expect(await factor.accepts('bob', first, null)).toBe(false);
  expect(await factor.accepts('ann', first, null)).toBe(true);
  expect(await factor.accepts('ann', first, null)).toBe(false);
  expect(await factor.accepts('ann', ` ${second.replaceAll(' ', '-')} `, null)).toBe(true);
  const shown = await Promise.all(Array.from({ length: 8 }, (_, index) => factor.accepts('ann', third, String(index))));
  expect(shown.filter(Boolean)).toHaveLength(1);
});

test('is one user’s, and gone when it is switched off', async () => {
  const house = await opened();
  const { factor, clock, keyring } = house;
  const { url, recovery } = await on(house);
  await on(house, 'ann2');
  expect(await factor.accepts('ann2', codeOf(url, clock.now), null)).toBe(false);
  factor.remove('ann');
  expect([await factor.of('ann'), factor.has('ann')]).toEqual([null, false]);
  expect(await factor.accepts('ann', codeOf(url, clock.now), null)).toBe(false);
  expect(await factor.accepts('ann', recovery[0]!, null)).toBe(false);
  expect(keyring.entries('recovery-code')).toHaveLength(10);
});

test('is kept so that nobody reads it, and nobody gives one user the secret of another', async () => {
  const house = await opened();
  const { factor, keyring, directory } = house;
  const { url, recovery } = await on(house);
  const secret = new URL(url).searchParams.get('secret')!;
  const bytes = await Promise.all(
    ['keyring.db', 'keyring.db-wal'].map(async (file) => {
      const found = Bun.file(join(directory, file));
      return (await found.exists()) ? Buffer.from(await found.arrayBuffer()).toString('latin1') : '';
    }),
  );
  for (const text of [secret, recovery[0]!, recovery[0]!.replaceAll(' ', '')])
    expect(bytes.join('')).not.toContain(text);
  keyring.set('second-factor', 'bob', keyring.get('second-factor', 'ann')!);
  await expect(factor.of('bob')).rejects.toMatchObject({ code: 'ERR_KEYS' });
  keyring.set('second-factor', 'bob', 'x'.repeat(60));
  await expect(factor.accepts('bob', '123456', null)).rejects.toMatchObject({ code: 'ERR_KEYS' });
});
