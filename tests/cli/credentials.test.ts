/** Where tokens are kept: for their owner alone, whole or not at all, one for each registry. @module */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { credentialsFile, forgetCredential, readCredential, storeCredential } from '../../src/cli/credentials.ts';

const URL_A = 'https://a.example';
const ANN = { token: 'secret-of-ann', expiresAt: 1_800_000_000_000, user: 'ann' };
const BOB = { token: 'secret-of-bob', expiresAt: 1_800_000_000_000, user: 'bob' };

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-credentials-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return credentialsFile({ XDG_CONFIG_HOME: directory });
}

test('lies where the system says, or under the home directory', () => {
  expect(credentialsFile({ XDG_CONFIG_HOME: '/x' })).toBe('/x/13byte-config/credentials.json');
  for (const XDG_CONFIG_HOME of ['', 'relative', undefined]) {
    expect(credentialsFile({ XDG_CONFIG_HOME, HOME: '/h' })).toBe('/h/.config/13byte-config/credentials.json');
  }
});

test('keeps one for each registry, whatever way its address is written', () => {
  const path = place();
  expect(readCredential(path, URL_A)).toBeNull();
  storeCredential(path, URL_A, ANN);
  storeCredential(path, 'http://127.0.0.1:4873', BOB);
  expect(readCredential(path, 'HTTPS://A.example:443/')).toEqual(ANN);
  expect(readCredential(path, 'https://b.example')).toBeNull();
  expect(readCredential(path, 'http://a.example')).toBeNull();
  expect([forgetCredential(path, URL_A), forgetCredential(path, URL_A)]).toEqual([true, false]);
  expect(readCredential(path, URL_A)).toBeNull();
  expect(readCredential(path, 'http://127.0.0.1:4873')).toEqual(BOB);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(path))).toEqual(['credentials.json']);
});

test('a file that others could have read or put there is refused, and stays as it is', () => {
  const path = place();
  storeCredential(path, URL_A, ANN);
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode);
    const before = readFileSync(path, 'utf8');
    for (const use of [() => readCredential(path, URL_A), () => storeCredential(path, URL_A, BOB)]) {
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_KEYS', hint: expect.stringContaining('chmod 600') }));
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
  }
  const link = place();
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(path, link);
  expect(() => readCredential(link, URL_A)).toThrow(/is a link/);
});

test('a damaged file is refused, and nothing of it is in the message', () => {
  const path = place();
  mkdirSync(dirname(path), { recursive: true });
  for (const text of ['', '{', '[]', '{"a": {"token": "secret-of-ann"}}', '{"a": null}', '"secret-of-ann"']) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => readCredential(path, URL_A)).toThrow(expect.objectContaining({ code: 'ERR_KEYS' }));
    expect(() => readCredential(path, URL_A)).not.toThrow(/secret-of/);
  }
});
