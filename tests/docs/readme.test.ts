/** README.md is true: its examples run as printed, in their order, on a registry that has just started. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { realNode } from '../node/real-node.ts';
import { ROOT, startProgram, tempDirectory } from '../registry/fixtures.ts';
import { startWithAdmin } from '../registry/identity-fixtures.ts';

const TEXT = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code]) => code!);

/** Runs it, and answers what it printed. */
async function run(command: string[], env: Record<string, string>, cwd = ROOT): Promise<string> {
  const child = Bun.spawn(command, { cwd, env: { ...Bun.env, ...env }, stdout: 'pipe', stderr: 'pipe' });
  const said = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const [output, complaint] = await said;
  expect(await child.exited, command.at(-1)! + output + complaint).toBe(0);
  return output;
}

/** A program whose packages are found, wherever it lies. */
function written(code: string, url: string): string {
  const program = join(tempDirectory(), 'shown.ts');
  const whole = code.replaceAll(/from '([^'.]+)'/g, (_, name: string) => {
    const path = name === '13byte-config' ? join(ROOT, 'src/index.ts') : Bun.resolveSync(name, ROOT);
    return `from ${JSON.stringify(path)}`;
  });
  writeFileSync(program, whole.replaceAll('http://localhost:4873', url));
  return program;
}

test('the requests, the commands and the programs run, in their order', async () => {
  const { url, data } = await startProgram();
  const home = tempDirectory();
  writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\nfail-with-body\nwrite-out = "\\n"\n');
  const env = { CURL_HOME: home, C13_URL: url, C13_DATA: data, XDG_CONFIG_HOME: home };
  const bash = async (script: string): Promise<string> =>
    await run(['bash', '-e', '-c', script.replaceAll('http://localhost:4873', url)], env);
  const shown = blocks('bash').filter((block) => block.startsWith('curl ') || block.startsWith('bun run cli '));
  expect(shown).toHaveLength(3);
  const [server, flags, commands] = shown as [string, string, string];
  expect(await bash(server)).toContain('looking at a slow checkout');
  expect(await bash(flags)).toContain('"value":"A good day to you"');
  const output = await bash(commands.replace('cli watch ', 'cli watch --count 1 '));
  expect(output).toContain('put back revision 1');
  expect(output).toMatch(/^scheduled request [0-9a-f]{16}/m);
  expect(await run([process.execPath, written(blocks('js')[0]!, url)], env)).toBe('A good day to you\n');
}, 60_000);

test('a team is let in as it says', async () => {
  const { registry, ann } = await startWithAdmin();
  const team = blocks('bash').find((block) => block.includes('cli login'))!;
  const lines = team.split('\n').filter((line) => line.startsWith('bun run cli ') && !line.includes(' login '));
  expect(lines).toHaveLength(4);
  const { body } = await ann.call('POST', '/api/v1/login', { user: 'ann', password: 'four random words here' });
  const env = { C13_URL: registry.url, C13_TOKEN: body.token, XDG_CONFIG_HOME: tempDirectory() };
  expect(await run(['bash', '-e', '-c', lines.join('\n')], env)).toMatch(/c13_[0-9a-f]{16}_/);
}, 60_000);

test('npm publishes as it says', async () => {
  const { registry, ann } = await startWithAdmin();
  const lines = blocks('bash').find((block) => block.includes('npm publish'))!;
  const project = tempDirectory();
  writeFileSync(join(project, 'package.json'), '{"name":"@acme/ui","version":"1.0.0"}');
  const path = [join(ROOT, 'node_modules/.bin'), dirname(realNode()), Bun.env['PATH']].join(':');
  const home = tempDirectory();
  const place = registry.url.replace('http://', '');
  // As `npm adduser` leaves it.
  writeFileSync(join(home, '.npmrc'), `//${place}/:_authToken=${ann.token}\n`);
  // An npm that started the tests hands down where its own user has his settings.
  const own = { npm_config_userconfig: join(home, '.npmrc'), npm_config_update_notifier: 'false' };
  const env = { PATH: path, HOME: home, ...own };
  const script = lines.replaceAll('localhost:4873', place);
  expect(await run(['bash', '-e', '-c', script], env, project)).toContain('ui-1.0.0.tgz');
}, 60_000);

test('the programs of the library run', async () => {
  const directory = tempDirectory();
  const env = { C13_DATA: join(directory, 'data') };
  const library = written(blocks('ts')[0]!, '');
  expect(await run([process.execPath, library], env, directory)).toContain('a load and a bit test');
  const outside = written(blocks('js')[1]!, '');
  expect(await run([process.execPath, outside], env, directory)).toContain('rows');
});
