/** What the examples of the description speak of, really there. @module */
import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestApp } from './app-fixtures.ts';

/** Where the examples name a backup. */
const BACKUP = '2026-03-01T12-00-00.000Z.db';

/** Makes it by asking for it, as anybody would. */
export async function prepared({ call, operations }: Pick<TestApp, 'call' | 'operations'>): Promise<void> {
  const asks: [string, string, object][] = [
    ['POST', '/api/v1/configs', { name: 'checkout/production', rows: 30 }],
    ['PUT', '/api/v1/templates/team-default', { set: ['metrics'] }],
    ['PUT', '/api/v1/rules/TEAM_METRICS', { severity: 'warning', message: 'm', hint: 'h', require: { on: ['metrics'] } }],
  ];
  for (const [method, path, body] of asks) {
    const { status, body: answer } = await call(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  }
  const { path } = await operations.backup();
  renameSync(path, join(dirname(path), BACKUP));
}
