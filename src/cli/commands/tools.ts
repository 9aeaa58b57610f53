/** Commands around the program itself: bootstrap, benchmark, completion. @module */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell, suggest } from '../completion.ts';
import { EXIT_FAILED, Stopped } from '../failure.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { facts } from '../text.ts';
import { ConfigError } from '../../errors/errors.ts';
import { parseSetting, readSetting } from '../../env/env.ts';

export function addTools(program: Command): void {
  program
    .command('bootstrap')
    .description('make the data directory with its database and first configs; leaves alone what is there')
    .option('--data <directory>', 'where (C13_DATA, else ./.c13)')
    .action(run(bootstrapData));
  program
    .command('benchmark')
    .description('measure this machine')
    .argument('[suite...]', 'only these: config-read, crc64, ...')
    .option('--smoke', 'with tiny inputs, only to see that everything runs')
    .action(run(benchmark));
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(run(completion));
  program
    .command('complete', { hidden: true })
    .description('what the completion scripts ask')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => await suggest(program, words));
}

async function bootstrapData(_session: Session, { data }: { data?: string }): Promise<Answer> {
  const { bootstrap } = await import('../../registry/bootstrap.ts');
  const path = data === undefined ? readSetting('dataDirectory') : parseSetting('dataDirectory', data, '--data');
  const { operations, directory, made } = await bootstrap(path);
  const database = operations.store.path;
  await operations.store.close();
  return { data: { directory, database, made }, text: (style) => facts(style, { directory, database, made }) };
}

/** The benchmarks speak for themselves, also of their failures, so they have our stdout and stderr. */
async function benchmark(session: Session, suites: string[], { smoke = false }: { smoke?: boolean }): Promise<Answer> {
  const program = fileURLToPath(new URL('../../../bench/main.ts', import.meta.url));
  if (!existsSync(program)) throw notInstalled(program);
  const { json = false, quiet = false } = session.options;
  const child = Bun.spawn(
    [process.execPath, program, ...suites, ...(smoke ? ['--smoke'] : []), ...(json ? ['--json'] : [])],
    {
      stdio: ['inherit', json ? 'pipe' : quiet ? 'ignore' : 'inherit', 'inherit'],
    },
  );
  const output = json ? await new Response(child.stdout as ReadableStream).text() : '';
  const exitCode = await child.exited;
  if (exitCode !== 0) throw new Stopped('', exitCode > 2 ? EXIT_FAILED : exitCode);
  return { data: output === '' ? null : JSON.parse(output), text: () => '' };
}

function notInstalled(program: string): ConfigError {
  return new ConfigError('ERR_UNSUPPORTED', {
    message: `The benchmarks are not part of this installation: there is no ${program}`,
    hint: 'Run them in a checkout of the project.',
    details: { what: 'benchmark', platform: process.platform },
  });
}

async function completion(_session: Session, shell: Shell): Promise<Answer> {
  const script = completionScript(shell);
  return { data: { shell, script }, text: () => script };
}
