/** The command as its users meet it: exit codes, what goes to stdout and what to stderr, and mistakes. @module */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeSync, openSync } from 'node:fs';
import { type Registry, startRegistry, Workplace } from './cli.ts';

let workplace: Workplace;
beforeAll(async () => {
  workplace = await Workplace.open();
});
afterAll(() => workplace[Symbol.dispose]());

describe('what was typed', () => {
  const mistakes: [string[], string, RegExp][] = [
    [['gte'], 'ERR_USAGE', /Unknown command 'gte' — Did you mean get\?/],
    [['enable', 'debug'], 'ERR_USAGE', /Unknown command 'enable' — Did you mean c13 feature enable\?/],
    [
      ['create', 'ann'],
      'ERR_USAGE',
      /Did you mean c13 requests create, c13 users create, c13 grants create, c13 tokens create\?/,
    ],
    [['feature', 'debug'], 'ERR_USAGE', /Unknown command 'debug' — It has: enable, disable, list, declare/],
    [['nonsense'], 'ERR_USAGE', /Unknown command 'nonsense' — See: c13 --help/],
    [['delete', 'x'], 'ERR_USAGE', /Nobody is there to be asked — Say so beforehand with --yes/],
    [['apply', 'nothing.yaml'], 'ERR_USAGE', /nothing.yaml cannot be read/],
    [['apply'], 'ERR_USAGE', /Missing required argument 'file'/],
    [['export', '--open', 'nothing'], 'ERR_USAGE', /nothing cannot be read/],
    [['feature', 'enabel', 'x'], 'ERR_USAGE', /Unknown command 'enabel' — Did you mean enable\?/],
    [['feature'], 'ERR_USAGE', /'c13 feature' needs one of: enable, disable, list, declare/],
    [['get', '--jsno'], 'ERR_USAGE', /Unknown option '--jsno' — Did you mean --json\?/],
    [['get', '--reason', 'x'], 'ERR_USAGE', /'c13 get' does not take --reason/],
    [['--if-revision', '1', 'list'], 'ERR_USAGE', /'c13 list' does not take --if-revision/],
    [['get', 'a', 'b'], 'ERR_USAGE', /Too many arguments/],
    [['rollout', 'debug'], 'ERR_USAGE', /Missing required argument 'percent'/],
    [['set', 'rows'], 'ERR_USAGE', /'rows' is not of the form field=value/],
    [['set', 'rows=1', 'rows=2'], 'ERR_USAGE', /'rows' is given twice/],
    [['set', 'features.debug=true', 'features=1'], 'ERR_USAGE', /'features' is given whole and in parts/],
    [['set', 'rollouts=1', 'rollouts.debug=1'], 'ERR_USAGE', /'rollouts' is given whole and in parts/],
    [['history', '--since', '2026-02-30'], 'ERR_USAGE', /'2026-02-30' is not a time/],
    [['rollback'], 'ERR_USAGE', /Name one state to put back/],
    [['rollback', '1', '--entry', '2'], 'ERR_USAGE', /Name one state to put back/],
    [['rollback', '--at', 'yesterday'], 'ERR_USAGE', /'yesterday' is not a time/],
    [['history', '--limit', 'few'], 'ERR_USAGE', /'few' is not a whole number/],
    [['env', 'export', '--format', 'xml'], 'ERR_USAGE', /Allowed choices are shell, dotenv, json/],
    [['completion', 'tcsh'], 'ERR_USAGE', /Allowed choices are bash, zsh, fish, powershell/],
    [['verify', '--anchor', '3:abc'], 'ERR_USAGE', /'3:abc' is not an anchor/],
    [['reset'], 'ERR_USAGE', /Nobody is there to be asked — Say so beforehand with --yes/],
    [['set', 'rows=1', '--actor', 'x'], 'ERR_USAGE', /not with --actor/],
    [['get', '--url', 'foo'], 'ERR_SETTING', /"foo" is not an http or https URL/],
    [['get', '--url', 'http://x', '--database', 'y'], 'ERR_USAGE', /cannot be used with/],
    [['import', 'nothing.json'], 'ERR_USAGE', /nothing.json cannot be read/],
  ];
  for (const [words, code, line] of mistakes) {
    test(`c13 ${words.join(' ')} is wrong usage`, async () => {
      const plain = await workplace.c13(words);
      expect(plain).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(line) });
      expect(plain.stderr).toMatch(/^error: [^\n]+ — [^\n]+\n$/);
      const { exitCode, stdout, stderr } = await workplace.c13(['--json', ...words]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      const { error } = JSON.parse(stderr);
      expect(Object.keys(error)).toEqual(['code', 'message', 'hint', 'details']);
      expect(error.code).toBe(code);
    });
  }

  const refusals: [string[], RegExp][] = [
    [['feature', 'enable', 'debgu'], /Unknown feature: debgu\. .* — Did you mean 'debug'\?/],
    [['template', 'prodction'], /Unknown template: prodction\. .* — Did you mean 'production'\?/],
    [['set', 'rows=0'], /Invalid rows: 0 \(must be 1-255\)/],
    [['set', '__proto__=1'], /Unknown field: __proto__/],
    [['set', 'debug=true'], /Unknown field: debug\. .* — Did you mean features\.debug=true\?/],
    [['get', 'debug'], /Unknown field: debug\. .* — Did you mean 'features\.debug'\?/],
    [['get', 'debgu'], /Did you mean 'features\.debug'\?/],
    [['history', '--field', 'debug'], /Unknown field: debug\. .* — Whether debug is on is in featureFlags/],
    [['history', '--field', 'features.debug'], /— Whether debug is on is in featureFlags/],
    [['history', '--field', 'colour'], /Unknown field: colour\. .* — Leave it out/],
    [['delete', 'default', '--yes'], /'default' cannot be deleted — Reset it/],
    [['delete', 'nobody', '--yes'], /There is no config 'nobody'/],
    [['templates', 'delete', 'minimal'], /The template 'minimal' is built in/],
    [['rules', 'show', 'NOTHING'], /There is no rule "NOTHING"/],
    [['get', 'feature.debug'], /Did you mean 'features.debug'\?/],
    [['get', '--name', '../x'], /it contains '\.\.'/],
    [['get', '--name', 'nobody'], /There is no config 'nobody'/],
    [['set', 'rows=9', '--if-revision', '7'], /Expected revision 7/],
    [['rollback', '99'], /has no revision 99/],
    [['restore', 'nope.db', '--yes'], /There is no backup/],
  ];
  for (const [words, line] of refusals) {
    test(`c13 ${words.join(' ')} is refused and changes nothing`, async () => {
      const before = await workplace.json(['status']);
      const ran = await workplace.on(words);
      expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(line) });
      expect(ran.stderr).toMatch(/^error: [^\n]+ — [^\n]+\n$/);
      expect((await workplace.json(['status'])).journal.head).toEqual(before.journal.head);
    });
  }

  test('help is for everybody, and goes to stdout', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { exitCode, stdout, stderr } = await workplace.c13(words);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain('Usage: c13 [options] [command]');
      expect(stdout).not.toContain('complete ');
    }
    const { stdout } = await workplace.c13(['get', '--help']);
    expect(stdout).toContain('--name');
    expect(stdout).not.toContain('--reason');
  });

  test('the benchmarks speak for themselves', async () => {
    const ran = await workplace.c13(['benchmark', 'nothing']);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('nothing') });
  });

  test('--version is the version of the package', async () => {
    expect((await workplace.c13(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('answers', () => {
  test('a change is told on stdout, warnings on stderr', async () => {
    const ran = await workplace.on(['set', 'features.debug=true', '--name', 'told', '--reason', 'to see']);
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'set features.debug=true (told, revision 1)\n' });
    expect(ran.stderr).toMatch(/^warning: debug without logging/);
    expect((await workplace.on(['get', 'features.debug', '--name', 'told'])).stdout).toBe('true\n');
    const history = await workplace.json(['history', '--name', 'told', '--limit', '1']);
    expect(history.entries[0]).toMatchObject({ reason: 'to see', actor: expect.stringMatching(/.@./) });
  });

  test('--actor signs', async () => {
    await workplace.on(['set', 'rows=25', '--name', 'signed']);
    await workplace.on(['rollout', 'metrics', '10', '--name', 'signed', '--actor', 'deploy-bot']);
    const { entries } = await workplace.json(['history', '--name', 'signed', '--actor', 'deploy-bot']);
    expect(entries[0]).toMatchObject({ actor: 'deploy-bot', changedFields: ['rollouts'] });
  });

  test('--quiet leaves the exit code', async () => {
    const quiet = { stdout: '', stderr: '' };
    expect(await workplace.on(['set', 'rows=60', '--name', 'quiet', '-q'])).toEqual({ exitCode: 0, ...quiet });
    expect(await workplace.on(['validate', '--name', 'quiet', '-q'])).toEqual({ exitCode: 0, ...quiet });
    expect(await workplace.on(['validate', 'rows=0', '--name', 'quiet', '-q'])).toMatchObject({
      exitCode: 1,
      stdout: '',
    });
  });

  test('--json answers one document, alike on a registry and on a database', async () => {
    await workplace.on(['set', 'rows=61', '--name', 'both']);
    const registry: Registry = await startRegistry(workplace.data);
    try {
      for (const words of [
        ['get'],
        ['get', 'rows'],
        ['history'],
        ['feature', 'list'],
        ['template'],
        ['validate'],
        ['export'],
        ['env', 'export'],
      ]) {
        const args = [...words, '--name', 'both', '--json'];
        const [here, there] = await Promise.all([workplace.on(args), workplace.c13([...args, '--url', registry.url])]);
        expect({ args, ...there }).toEqual({ args, ...here });
        expect(here.exitCode).toBe(0);
        JSON.parse(here.stdout);
      }
      const { stdout } = await workplace.c13(['metrics', '--url', registry.url, '--json']);
      expect(JSON.parse(stdout).samples[0]).toMatchObject({
        name: expect.any(String),
        labels: {},
        value: expect.anything(),
      });
    } finally {
      await registry.stop();
    }
  });

  test('a feature that is taken for a field is told from one', async () => {
    const ran = await workplace.on(['validate', 'debug=true']);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Did you mean features.debug=true?') });
  });

  test('bad news is an answer and an error at once', async () => {
    const { exitCode, stdout, stderr } = await workplace.on(['validate', 'rows=0', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).isValid).toBe(false);
    expect(JSON.parse(stderr).error.code).toBe('ERR_CONFIG_INVALID');
  });

  test('a shell takes what env export prints', async () => {
    const { stdout } = await workplace.on(['env', 'export', '--name', 'registry']);
    const shell = Bun.spawnSync(['sh', '-c', `${stdout}\nprintf %s "$BUN_FEATURE_FLAGS"`]);
    expect(shell.stdout.toString()).toBe('0x000000f8');
  });

  test('pipes carry neither colours nor symbols', async () => {
    await workplace.on(['set', 'rows=62', '--name', 'plain']);
    const { stdout } = await workplace.on(['history', '--name', 'plain']);
    expect(stdout).toMatch(/rows 24->62/);
    expect(stdout).not.toMatch(/[\u001b→]/);
  });

  test('a reader that goes away is no failure', async () => {
    const { exitCode, stderr } = Bun.spawnSync(
      ['bash', '-c', `set -o pipefail; "$0" "$@" | head -c 1 > /dev/null`, process.execPath, ...commandOf(['export'])],
      { stderr: 'pipe' },
    );
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('output that cannot be written is a failure', async () => {
    const full = openSync('/dev/full', 'w');
    const child = Bun.spawn([process.execPath, ...commandOf(['export'])], { stdout: full, stderr: 'pipe' });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toMatch(/^error: The output cannot be written/);
    closeSync(full);
  });

  test('verify takes a data directory, setup-link the address at which the registry is reached', async () => {
    const away = { env: { C13_DATA: '/nowhere' } };
    const data = ['--data', workplace.data];
    expect(await workplace.c13(['verify', ...data], away)).toMatchObject({ exitCode: 0, stderr: '' });
    const linked = await workplace.c13(['setup-link', ...data, '--public-url', 'https://config.example'], away);
    expect(linked.stdout).toMatch(/^https:\/\/config\.example\/_dashboard\/setup\?secret=\S+\n$/);
    const odd = await workplace.c13(['setup-link', ...data, '--public-url', 'config'], away);
    expect(odd).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--public-url') });
  });

  test('without a registry, the error says how to go on', async () => {
    const { exitCode, stderr } = await workplace.c13(['get']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: No registry answers at \S+ — Start one with `c13 serve`.*--database\.\n$/);
  });
});

function commandOf(words: readonly string[]): string[] {
  return [new URL('../../src/cli/main.ts', import.meta.url).pathname, ...words, '--database', workplace.database];
}
