/** Who has a file open. @module */
import { expect, test } from 'vitest';
import { usersOf } from '../../src/cli/file-users.ts';
import { Workplace } from './cli.ts';

test('a process that has the file open is found until it ends', async () => {
  using place = await Workplace.open();
  expect(usersOf(place.database)).toEqual([]);
  const holder = Bun.spawn(['sleep', '1000'], { stdin: Bun.file(place.database) });
  expect(usersOf(place.database)).toEqual([holder.pid]);
  holder.kill();
  await holder.exited;
  expect(usersOf(place.database)).toEqual([]);
});
