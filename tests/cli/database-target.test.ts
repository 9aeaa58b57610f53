/** The contract of targets on a database file. @module */
import { chmodSync, existsSync, symlinkSync } from 'node:fs';
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

test('a path that cannot be looked at is not called empty', async () => {
  using workplace = new Workplace();
  const loop = join(workplace.directory, 'loop');
  symlinkSync(loop, loop);
  await expect(openDatabaseTarget(join(loop, 'journal.db'))).rejects.toMatchObject({
    code: 'ERR_FORBIDDEN',
    message: expect.stringContaining('cannot be read: ELOOP'),
  });
});

test('a database of somebody else is said to be his', async () => {
  using workplace = await Workplace.open();
  chmodSync(workplace.data, 0o000);
  const module = new URL('../../src/cli/database-target.ts', import.meta.url).href;
  // Root may read everything: it steps down first.
  const script = `const { existingDatabase } = await import(${JSON.stringify(module)});
    if (process.getuid() === 0) process.setuid(65534);
    try { existingDatabase(${JSON.stringify(workplace.database)}); }
    catch (error) { console.log(JSON.stringify(error)); }`;
  const child = Bun.spawnSync([process.execPath, '-e', script], { cwd: workplace.directory });
  chmodSync(workplace.data, 0o700);
  expect(JSON.parse(child.stdout.toString())).toMatchObject({
    code: 'ERR_FORBIDDEN',
    message: `${workplace.database} cannot be read: this user may not`,
    hint: expect.stringContaining('the user who runs the registry'),
  });
});
