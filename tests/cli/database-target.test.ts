/** The contract of targets on a database file. @module */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeTarget } from '../contract/target.contract.ts';
import { openDatabaseTarget } from '../../src/cli/database-target.ts';
import { Workplace } from './cli.ts';

describeTarget('database', async () => {
  const workplace = await Workplace.open();
  const target = await openDatabaseTarget(workplace.database);
  return {
    target,
    async close() {
      await target.close();
      workplace[Symbol.dispose]();
    },
  };
});

test('a mistyped path is no new database', async () => {
  using workplace = new Workplace();
  const path = join(workplace.directory, 'typo.db');
  await expect(openDatabaseTarget(path)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  expect(existsSync(path)).toBe(false);
});
