/** docs/ARCHITECTURE.md names every field of the values that are frozen, as the journal really has them. @module */
import { Database } from 'bun:sqlite';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, startProgram } from '../registry/fixtures.ts';

const TEXT = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8');
const FLAGS = '/api/v1/configs/default/flags';
const DEFINITION = { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a', metadata: { team: 'shop' } };

/** What the row of a kind names. */
function namedIn(kind: string): string[] {
  const row = new RegExp(`^\\| \`${kind}:.*$`, 'm').exec(TEXT)![0];
  return [...row.matchAll(/`([^`]+)`/g)].slice(1).flatMap(([, words]) => words!.split(' '));
}

/** Names of the fields of a value and of the objects in it, but for those that people make up. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  const free = ['variants', 'targeting', 'metadata', 'evaluators', 'operations'];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...(free.includes(name) ? [] : fieldsOf(inner))]);
}

test('the frozen values have the fields that are named', async () => {
  const { call, data } = await startProgram();
  const targeting = { if: [{ '==': [{ var: 'plan' }, 'pro'] }, 'a'] };
  await call('PUT', `${FLAGS}/banner`, { definition: { ...DEFINITION, targeting } });
  await call('PUT', '/api/v1/configs/default/flagset', { evaluators: {}, metadata: {} });
  await call('PATCH', '/api/v1/services/default/facts/debug', { owner: 'ann' });
  const operations = [{ name: 'default', template: 'minimal' }];
  const { body } = await call('POST', '/api/v1/change-requests', { operations, at: Date.now() + 3_600_000 });
  await call('POST', `/api/v1/change-requests/${body.id}/cancel`, { note: 'no' });
  const journal = new Database(join(data, 'journal.db'), { readonly: true });
  const entries = journal.query("SELECT stream, body FROM entries WHERE type LIKE '%.put'").all();
  journal.close();
  const values = new Map<string, unknown>();
  for (const { stream, body: bytes } of entries as { stream: string; body: Uint8Array }[]) {
    const { format, value } = JSON.parse(new TextDecoder().decode(bytes));
    expect(format).toBe(1);
    values.set(stream.split(':')[0]!, value);
  }
  const facts = ['clientVisible', 'description', 'owner', 'tags', 'expiresAt'];
  expect(namedIn('flag').sort()).toEqual(fieldsOf(values.get('flag')).sort());
  expect(namedIn('flagset').sort()).toEqual(fieldsOf(values.get('flagset')).sort());
  expect(fieldsOf(values.get('feature')).sort()).toEqual(facts.toSorted());
  const named = new Set(namedIn('change_request'));
  // What a base knows of a config is the config's own.
  const { base, ...request } = values.get('change_request') as { base: object[]; end: object };
  const found = new Set([...fieldsOf(request), 'base', ...base.flatMap((one) => Object.keys(one))]);
  expect(request.end).toMatchObject({ note: 'no' });
  expect([...found].filter((field) => !named.has(field))).toEqual([]);
  expect([...named].filter((field) => !found.has(field)).sort()).toEqual(['code', 'message']);
});
