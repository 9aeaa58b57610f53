/** The registry of an installed package: the same as `bun run registry`. @module */
import { expect, test } from 'vitest';
import { Workplace } from '../cli.ts';

/** What it prints until it says where it listens. */
async function heard(child: Bun.Subprocess<any, 'pipe', any>, mark: RegExp): Promise<[string, string]> {
  let said = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    const [, url] = mark.exec(said) ?? [];
    if (url !== undefined) return [said, url];
  }
  throw new Error(`it ended: ${said}`);
}

test('serves, is found by its port, and stops when it is told to', async () => {
  using place = new Workplace();
  const child = place.start(['serve', '--port', '0', '--data', place.data]);
  const [said, url] = await heard(child, /listens on (\S+) over/);
  expect(said).toMatch(/^The registry listens on http:\/\/127\.0\.0\.1:\d+ over /);
  const found = { C13_URL: '', C13_PORT: new URL(url).port };
  expect((await place.c13(['get', 'rows'], { env: found })).stdout).toBe('24\n');
  const elsewhere = { C13_URL: 'http://127.0.0.1:1', C13_PORT: new URL(url).port };
  expect((await place.c13(['get', 'rows'], { env: elsewhere })).exitCode).toBe(1);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});

test('answers where it is as one document', async () => {
  using place = new Workplace();
  const child = place.start(['serve', '--port', '0', '--json'], { env: { C13_DATA: place.data } });
  const [said] = await heard(child, /"url": "(\S+)"[^}]*\n\}\n/);
  expect(JSON.parse(said)).toMatchObject({ dataDirectory: place.data, made: ['default', 'registry'] });
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});

test('does not begin what it cannot', async () => {
  using place = new Workplace();
  const wrong: [string[], number, RegExp][] = [
    [['--port', '99999'], 2, /--port: "99999" is not a whole number/],
    [['--host', 'a b'], 2, /--host: "a b" is not an address/],
    [['--url', 'http://x'], 2, /'c13 serve' does not take --url/],
    [['--prot', '1'], 2, /Unknown option '--prot' — Did you mean --port\?/],
    [['--data', '/dev/null/x', '--port', '0'], 2, /cannot be made/],
  ];
  for (const [words, exitCode, line] of wrong) {
    const ran = await place.c13(['serve', ...words]);
    expect({ words, ...ran }).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(line) });
  }
});
