/** Which registry is meant, by what was said. @module */
import { expect, test } from 'vitest';
import { Workplace } from './cli.ts';

const NONE = { C13_URL: '', C13_HOST: '', C13_PORT: '' };

test('the registry is that of the URL, else where it would listen here', async () => {
  using place = new Workplace();
  // Port 1 is nobody's: the error says who was asked.
  const asked: [Record<string, string>, string][] = [
    [{ C13_PORT: '1' }, 'http://127.0.0.1:1'],
    [{ C13_PORT: '1', C13_HOST: 'localhost' }, 'http://localhost:1'],
    [{ C13_PORT: '1', C13_HOST: '0.0.0.0' }, 'http://127.0.0.1:1'],
    [{ C13_PORT: '1', C13_HOST: '::' }, 'http://[::1]:1'],
    [{ C13_PORT: '2', C13_HOST: '::1', C13_URL: 'http://127.0.0.1:1' }, 'http://127.0.0.1:1'],
  ];
  for (const [env, url] of asked) {
    const { stderr } = await place.c13(['get'], { env: { ...NONE, ...env } });
    expect(stderr).toContain(`No registry answers at ${url} `);
  }
});

test('a port that nobody can know is asked for', async () => {
  using place = new Workplace();
  const ran = await place.c13(['get'], { env: { ...NONE, C13_PORT: '0' } });
  expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^error: C13_PORT is 0: .* — Set C13_URL/) });
  const wrong = await place.c13(['get'], { env: { ...NONE, C13_PORT: 'x' } });
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('C13_PORT: "x" is not') });
});
