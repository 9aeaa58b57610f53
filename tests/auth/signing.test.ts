/**
 * The keys that sign packages: private, whole, rotated under the feet of a running registry, and listed for ever. That
 * npm takes the signatures is shown where packages are published.
 * @module
 */
import { createPublicKey, verify } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKeys } from '../../src/auth/keys.ts';
import { openPackageKeys, type PackageKey, type PackageKeys } from '../../src/auth/signing.ts';
import { tempDirectory } from '../journal/fixtures.ts';
import { refusal } from './key-fixtures.ts';

const TEXT = '@acme/ui@1.0.0:sha512-x';

function filesIn(directory: string): string[] {
  return readdirSync(join(directory, 'keys')).map((name) => join(directory, 'keys', name));
}

function isGood(keys: readonly PackageKey[], { keyid, sig }: ReturnType<PackageKeys['sign']>, text = TEXT): boolean {
  const { key } = keys.find((one) => one.keyid === keyid)!;
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
  return verify('sha256', Buffer.from(text), publicKey, Buffer.from(sig, 'base64'));
}

/** Opens what must be refused. */
async function refused(directory: string): Promise<string> {
  return (
    await refusal(
      Promise.try(() => openPackageKeys(directory)),
      'ERR_KEYS',
    )
  ).message;
}

test('are made once, for their owner alone, and kept', () => {
  const directory = tempDirectory();
  const keys = openPackageKeys(directory);
  const [file] = filesIn(directory);
  expect([filesIn(directory).length, statSync(file!).mode & 0o777]).toEqual([1, 0o600]);
  expect(openPackageKeys(directory).list()).toEqual(keys.list());
  const [{ keytype, scheme, expires, key }] = keys.list() as [PackageKey];
  expect([keytype, scheme, expires]).toEqual(['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', null]);
  expect(Buffer.from(key, 'base64')).toHaveLength(91);
  const signature = keys.sign(TEXT);
  expect([isGood(keys.list(), signature), isGood(keys.list(), signature, `${TEXT}y`)]).toEqual([true, false]);
});

test('stay in the list without what signs, and what they signed stays good', () => {
  const directory = tempDirectory();
  const clock = { now: 1_700_000_000_000 };
  const keys = openPackageKeys(directory, () => clock.now);
  const old = keys.sign(TEXT);
  clock.now += 5000;
  keys.rotate();
  const young = keys.sign(TEXT);
  expect(young.keyid).not.toBe(old.keyid);
  expect(keys.list().map(({ expires }) => expires)).toEqual([null, new Date(clock.now + 60_000).toISOString()]);
  for (const signature of [old, young]) expect(isGood(keys.list(), signature)).toBe(true);
  const withPrivate = filesIn(directory).filter((file) => JSON.parse(readFileSync(file, 'utf8')).privateKey !== null);
  expect(withPrivate).toHaveLength(1);
  clock.now += 10 * 365 * 24 * 60 * 60 * 1000;
  expect(openPackageKeys(directory, () => clock.now).list()).toHaveLength(2);
});

test('are looked for again where another process may have rotated them', () => {
  const directory = tempDirectory();
  const clock = { now: 1_700_000_000_000 };
  const [one, another] = [openPackageKeys(directory, () => clock.now), openPackageKeys(directory, () => clock.now)];
  another.rotate();
  const { keyid } = another.sign(TEXT);
  clock.now += 1000;
  expect(one.sign(TEXT).keyid).toBe(keyid);
});

test('and those of sessions leave each other alone', async () => {
  const directory = tempDirectory();
  const clock = { now: 1_700_000_000_000 };
  const packages = openPackageKeys(directory, () => clock.now);
  const sessions = await openKeys(directory, () => clock.now);
  const { keyid } = packages.sign(TEXT);
  await sessions.rotate();
  packages.rotate();
  expect((await sessions.jwks()).keys).toHaveLength(2);
  expect(packages.list().map((key) => key.keyid)).toContain(keyid);
});

const DAMAGES: Readonly<Record<string, (key: any) => unknown>> = {
  'another format': (key) => ({ ...key, format: 2 }),
  'no key': () => null,
  'no private half': (key) => ({ ...key, privateKey: null }),
  'a private half that signs no more': (key) => ({ ...key, expiresAt: 1 }),
  'a private half that is none': (key) => ({ ...key, privateKey: 'AAAA' }),
  'another key under its name': (key) => ({ ...key, publicKey: `${key.publicKey.slice(0, -6)}AAAA==` }),
  'a time that is none': (key) => ({ ...key, createdAt: 'today' }),
};

test.each(Object.keys(DAMAGES))('that hold %s are refused', async (name) => {
  const directory = tempDirectory();
  openPackageKeys(directory);
  const [file] = filesIn(directory) as [string];
  writeFileSync(file, JSON.stringify(DAMAGES[name]!(JSON.parse(readFileSync(file, 'utf8')))));
  expect(await refused(directory)).toContain(file);
});

test('that others can read, that are no JSON, or that have another name are refused', async () => {
  for (const [damage, why] of [
    [(file: string) => chmodSync(file, 0o640), 'is open to other users'],
    [(file: string) => writeFileSync(file, '{'), 'holds no key'],
    [
      (file: string) => renameSync(file, file.replace(/package-.{43}/, `package-${'A'.repeat(43)}`)),
      'the name of its key',
    ],
  ] as const) {
    const directory = tempDirectory();
    openPackageKeys(directory);
    damage(filesIn(directory)[0]!);
    expect(await refused(directory)).toContain(why);
  }
});

test('of two halves that do not belong together are refused', async () => {
  const [directory, other] = [tempDirectory(), tempDirectory()];
  for (const one of [directory, other]) openPackageKeys(one);
  const [file, strange] = [filesIn(directory)[0]!, filesIn(other)[0]!];
  const { privateKey } = JSON.parse(readFileSync(strange, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), privateKey }));
  expect(await refused(directory)).toContain('belong together');
});
