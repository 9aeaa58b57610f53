/** The completion scripts, loaded by a real bash. @module */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAIN, startRegistry, Workplace } from './cli.ts';

let workplace: Workplace;
beforeAll(async () => {
  workplace = await Workplace.open();
  await workplace.on(['feature', 'declare', 'new_checkout=12']);
  await workplace.on(['set', 'rows=50', '--name', 'checkout/production']);
});
afterAll(() => workplace[Symbol.dispose]());

/** What bash offers for the line, whose last word is being typed. */
async function offered(line: string): Promise<string[]> {
  const words = line.split(' ').map((word) => `'${word}'`);
  const script = `
    c13() { '${process.execPath}' '${MAIN}' "$@"; }
    source <(c13 completion bash); source <(c13 completion bash)
    handler=$(complete -p c13 | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    COMP_WORDS=(c13 ${words.join(' ')}); COMP_CWORD=${words.length}; COMP_LINE='c13 ${line}'; COMP_POINT=\${#COMP_LINE}
    compopt() { :; }
    $handler
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const child = Bun.spawn(['bash', '--norc', '-c', script], {
    cwd: workplace.directory,
    env: { PATH: '/usr/bin:/bin', C13_URL: 'http://127.0.0.1:1' },
    stderr: 'pipe',
    stdout: 'pipe',
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect(err).toBe('');
  return out
    .split('\n')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

test('completes commands and their members', async () => {
  expect(await offered('feat')).toEqual(['feature']);
  expect(await offered('feature en')).toEqual(['enable']);
  expect(await offered('')).toEqual(expect.arrayContaining(['status', 'history', 'completion']));
  expect(await offered('')).not.toContain('complete');
});

test('completes options that the command takes', async () => {
  expect(await offered('get --')).toEqual(expect.arrayContaining(['--json', '--name', '--database']));
  expect(await offered('get --')).not.toContain('--reason');
  expect(await offered('history --since')).toEqual(['--since']);
  expect(await offered('env export --format ')).toEqual(['shell', 'dotenv', 'json']);
});

test('completes what only the database knows', async () => {
  const on = `--database ${workplace.database}`;
  expect(await offered(`get ${on} --name ch`)).toEqual(['checkout/production']);
  expect(await offered(`${on} feature enable new`)).toEqual(['new_checkout']);
  expect(await offered(`${on} set rollouts.new`)).toEqual(['rollouts.new_checkout=']);
});

test('completes users, and what they hold', async () => {
  const registry = await startRegistry(workplace.data);
  const fresh = (await workplace.c13(['setup-link'])).stdout.trim();
  const body = { secret: new URL(fresh).searchParams.get('secret')!, user: 'ann', password: 'four random words here' };
  const headers = { 'content-type': 'application/json' };
  await fetch(`${registry.url}/api/v1/setup`, { method: 'POST', body: JSON.stringify(body), headers });
  await registry.stop();
  const on = `--data ${workplace.data}`;
  expect(await offered(`users ${on} delete a`)).toEqual(['ann']);
  expect(await offered(`grants create ${on} `)).toEqual(['ann']);
  expect(await offered(`grants create ${on} ann op`)).toEqual(['operator']);
  const [grant] = (await workplace.json(['grants', 'list'])).grants;
  expect(await offered(`grants delete ${on} `)).toEqual([grant.id]);
  expect(await offered(`tokens create ci ${on} --user `)).toEqual(['ann']);
});

test('completes what a team has declared, and the configs that there are', async () => {
  const on = `--database ${workplace.database}`;
  await workplace.on(['templates', 'save', 'team-wide', '-'], { stdin: '{"cols": 200}' });
  expect(await offered(`templates show ${on} team`)).toEqual(['team-wide']);
  expect(await offered(`template ${on} team`)).toEqual(['team-wide']);
  expect(await offered(`rules show ${on} PRODUCTION_D`)).toEqual(['PRODUCTION_DEBUG']);
  expect(await offered(`delete ${on} check`)).toEqual(['checkout/production']);
  expect(await offered(`apply --format `)).toEqual(['json', 'ndjson', 'yaml']);
});

test('completes the names of headers, and not their values', async () => {
  expect(await offered('validate headers X-Bun-Terminal-R')).toEqual(['X-Bun-Terminal-Rows']);
  expect(await offered('validate headers x-bun-config-v')).toEqual(['x-bun-config-version']);
  expect(await offered('validate headers X-Bun-Config-Version ')).toEqual([]);
  expect(await offered('validate headers X-Bun-Config-Version 1 X-Bun-Reg')).toEqual(['X-Bun-Registry-Hash']);
  expect(await offered('validate headers ')).toHaveLength(7);
});

test('completes files where a file is meant', async () => {
  expect(await offered('import da')).toEqual(['data/']);
  expect(await offered('get --database data/journal.d')).toEqual(expect.arrayContaining(['data/journal.db']));
  expect(await offered('get -d data/j')).toEqual(expect.arrayContaining(['data/journal.db']));
  expect(await offered('import nowhere/')).toEqual([]);
  expect(await offered('tokens create ci --cidr ')).toEqual([]);
});

test('without a target, completes what is known anyway', async () => {
  expect(await offered('feature enable deb')).toEqual(['debug']);
  expect(await offered('template pro')).toEqual(['production']);
});

test('every shell has its script', async () => {
  for (const [shell, mark] of [
    ['zsh', 'compdef'],
    ['fish', 'complete -c c13'],
    ['powershell', 'Register-ArgumentCompleter'],
  ] as const) {
    const { exitCode, stdout } = await workplace.c13(['completion', shell]);
    expect({ shell, exitCode, has: stdout.includes(mark) }).toEqual({ shell, exitCode: 0, has: true });
  }
});
