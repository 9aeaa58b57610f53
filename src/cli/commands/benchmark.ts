/**
 * `c13 benchmark`: runs the benchmarks of the checkout. They are not part of an installation, because figures without
 * what they are measured beside (the compiler for the core alone, a fresh process for each suite) mean nothing.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { EXIT_FAILED, Stopped } from '../failure.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { ConfigError } from '../../errors/errors.ts';

const BENCHMARKS = fileURLToPath(new URL('../../../bench/', import.meta.url));
/** What one asks for, where the suite is named after what it measures. */
const ALSO: Readonly<Record<string, string>> = { jwt: 'tokens' };
const SUITE = /^(([a-z0-9]+)[a-z0-9-]*)\.bench\.ts$/;

export function addBenchmark(program: Command): void {
  const suites = new Argument(
    '[suite...]',
    'only these: config, validation, jwt, ...; a first word stands for all of it',
  );
  const known = suiteNames();
  program
    .command('benchmark')
    .description('measure this machine')
    .addArgument(known.length === 0 ? suites : suites.choices(known))
    .option('--smoke', 'with tiny inputs, only to see that everything runs')
    .action(run(benchmark));
}

/** The suites, the first words that several of them share, and other names; none where they are not installed. */
function suiteNames(): string[] {
  if (!existsSync(BENCHMARKS)) return [];
  const names = readdirSync(BENCHMARKS).flatMap((file) => SUITE.exec(file)?.slice(1) ?? []);
  const suites = names.filter((_, i) => i % 2 === 0);
  const shared = names.filter((first) => suites.some((suite) => suite.startsWith(`${first}-`)));
  const also = Object.keys(ALSO).filter((word) => suites.includes(ALSO[word]!));
  return [...new Set([...suites, ...shared, ...also])].toSorted();
}

/** The benchmarks speak for themselves, also of their failures, so they have our stdout and stderr. */
async function benchmark(session: Session, suites: string[], { smoke = false }: { smoke?: boolean }): Promise<Answer> {
  const program = `${BENCHMARKS}main.ts`;
  if (!existsSync(program)) throw notInstalled(program);
  const { json = false, quiet = false } = session.options;
  const child = Bun.spawn(
    [
      process.execPath,
      program,
      ...suites.map((word) => ALSO[word] ?? word),
      ...(smoke ? ['--smoke'] : []),
      ...(json ? ['--json'] : []),
    ],
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
