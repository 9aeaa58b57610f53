/** The secret of a data directory: made once, for its owner alone. @module */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDirectory } from '../../src/live/data-directory.ts';
import { openOwnerToken, ownerTokenFileIn, readOwnerToken } from '../../src/live/owner-token.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'c13-token-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('is made once and can be read by nobody else', () => {
  expect(readOwnerToken(directory)).toBeNull();
  const token = openOwnerToken(directory);
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(openOwnerToken(directory)).toBe(token);
  expect(readOwnerToken(directory)).toBe(token);
  expect(statSync(ownerTokenFileIn(directory)).mode & 0o777).toBe(0o600);
});

test('is never guessed from a damaged file', () => {
  writeFileSync(ownerTokenFileIn(directory), 'short', { mode: 0o600 });
  for (const read of [openOwnerToken, readOwnerToken]) {
    expect(() => read(directory)).toThrow(expect.objectContaining({ code: 'ERR_SETTING' }));
  }
});

test('is not believed where somebody else may have put it or may read it', () => {
  const path = ownerTokenFileIn(directory);
  openOwnerToken(directory);
  chmodSync(path, 0o640);
  const refused = (why: string) => {
    for (const read of [openOwnerToken, readOwnerToken]) {
      expect(() => read(directory)).toThrow(
        expect.objectContaining({ code: 'ERR_SETTING', message: expect.stringContaining(why) }),
      );
    }
  };
  refused('is open to other users');
  chmodSync(path, 0o600);
  renameSync(path, `${path}.moved`);
  symlinkSync(`${path}.moved`, path);
  refused('is a link');
  rmSync(path);
  mkdirSync(path, { mode: 0o700 });
  refused('is no file');
});

test('belongs to a directory that nobody else can write to', () => {
  expect(openDataDirectory(directory)).toBe(directory);
  for (const mode of [0o770, 0o702]) {
    chmodSync(directory, mode);
    expect(() => openDataDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'ERR_SETTING', hint: expect.stringContaining('chmod 700') }),
    );
  }
  chmodSync(directory, 0o755);
  expect(openDataDirectory(directory)).toBe(directory);
});
