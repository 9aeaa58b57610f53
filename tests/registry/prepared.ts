/** What the examples of the description speak of, really there. @module */
import { existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backupsOf } from '../../src/live/data-directory.ts';
import type { TestApp } from './app-fixtures.ts';

/** Where the examples name a backup. */
const BACKUP = '2026-03-01T12-00-00.000Z.db';
const BANNER = { state: 'ENABLED', variants: { short: 'Hello', long: 'A good day' }, defaultVariant: 'short' };
const RULE = { severity: 'warning', message: 'm', hint: 'h', require: { on: ['metrics'] } };

/** How far each journal was when all of it was there. */
const PREPARED = new WeakMap<object, number>();

/** Makes what is not there, by asking for it as anybody would. Where nothing has been written since, all of it is. */
export async function prepared(app: Pick<TestApp, 'call' | 'operations'>): Promise<void> {
  const { journal } = app.operations.store;
  if (PREPARED.get(journal) === (await journal.head()).seq) return;
  await prepare(app);
  PREPARED.set(journal, (await journal.head()).seq);
}

async function prepare({ call, operations }: Pick<TestApp, 'call' | 'operations'>): Promise<void> {
  const asks: [string, string, object][] = [
    ['PATCH', '/api/v1/configs/checkout%2Fproduction', { rows: 30 }],
    ['PUT', '/api/v1/templates/team-default', { set: ['metrics'] }],
    ['PUT', '/api/v1/rules/TEAM_METRICS', RULE],
    ['PUT', '/api/v1/configs/checkout%2Fproduction/flags/banner', { definition: BANNER }],
  ];
  for (const [method, path, body] of asks) {
    const answer = await call(method, path, body, { 'if-none-match': '*' });
    if (answer.status >= 300 && answer.status !== 412) throw new Error(`${method} ${path}: ${answer.body.detail}`);
  }
  const published = await call('PUT', '/@acme%2fui', { name: '@acme/ui', version: '0.9.0' });
  if (![201, 409].includes(published.status)) throw new Error(`PUT @acme/ui: ${JSON.stringify(published.body)}`);
  if (existsSync(join(backupsOf(operations.store.path), BACKUP))) return;
  const { path } = await operations.backup();
  renameSync(path, join(dirname(path), BACKUP));
}
