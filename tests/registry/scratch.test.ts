import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { openApp } from './app-fixtures.ts';
it('x', async () => {
  const { call } = await openApp();
  writeFileSync('/tmp/rest/docs.html', (await call('GET', '/docs')).body);
});
