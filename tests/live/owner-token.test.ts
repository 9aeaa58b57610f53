/** The secret of a data directory: made once, for its owner alone. @module */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
  writeFileSync(ownerTokenFileIn(directory), 'short');
  for (const read of [openOwnerToken, readOwnerToken]) {
    expect(() => read(directory)).toThrow(expect.objectContaining({ code: 'ERR_SETTING' }));
  }
});
