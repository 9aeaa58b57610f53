/**
 * What the journal's tests share: entries, a directory that goes away, the code of an error.
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ConfigError } from '../../src/errors/errors.ts';
import type { ClaimedEntry, ExpectedEntry } from '../../src/journal/journal.ts';

const encoder = new TextEncoder();

export const WORKER = join(import.meta.dirname, 'journal-worker.ts');

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function expected(stream: string, head: number, body = `${stream} ${head + 1}`): ExpectedEntry {
  return { stream, expected: head, type: 'test.changed', actor: 'ann', reason: '', body: bytes(body) };
}

export function claimed(stream: string, revision: number, body = `${stream} ${revision}`): ClaimedEntry {
  return { stream, revision, type: 'test.claimed', actor: 'bob', reason: 'because', body: bytes(body) };
}

export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The code of the error a promise or function ends with; 'none' when it ends well. */
export async function codeOf(action: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof action === 'function' ? action() : action);
    return 'none';
  } catch (error) {
    if (error instanceof ConfigError) return error.code;
    throw error;
  }
}
