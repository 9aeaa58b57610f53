/**
 * `bun run bench [suite...] [--json] [--smoke] [--write]`, where `config` stands for every `config-...`: each suite in
 * a fresh process, one after the other, so that none is measured with code that another has shaped. Figures go to
 * stdout, what is under way to stderr.
 * @module
 */
import { parseArgs } from 'node:util';
import { main, ROOT, Stop } from '../scripts/run.ts';
import { runSuite, type SuiteResult } from './harness.ts';
import { describeMachine, machineLine } from './machine.ts';
import { document, tables, type Results } from './report.ts';
import { SUITES } from './suites.ts';
import { runZig } from './zig-alone.ts';

/** On the disk of the checkout: a temporary directory is often memory, where nothing has to be made durable. */
const PARENT = `${ROOT}zig-out/`;
const RESULTS = `${ROOT}bench/RESULTS.md`;

interface Arguments {
  readonly names: readonly string[];
  readonly json: boolean;
  readonly smoke: boolean;
  readonly write: boolean;
  /** Run the one suite named in this process. */
  readonly alone: boolean;
}

await main(async () => {
  const given = parse(Bun.argv.slice(2));
  if (given.alone) return await runAlone(given);
  const results = await runAll(given);
  if (given.write) await Bun.write(RESULTS, document(results));
  const text = given.json ? JSON.stringify(results) : `${machineLine(results.machine)}\n\n${tables(results)}`;
  process.stdout.write(`${text}\n`);
  return 0;
});

function parse(argv: string[]): Arguments {
  const flag = { type: 'boolean', default: false } as const;
  const options = { json: flag, smoke: flag, write: flag, alone: flag };
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new Stop((error as Error).message, 'use suites, --json, --smoke or --write.', 2);
  }
  const { positionals: names, values } = parsed;
  const known = SUITES.map(({ name }) => name);
  const chosen = names.map((name) => known.filter((suite) => suite === name || suite.startsWith(`${name}-`)));
  const unknown = names.find((_, i) => chosen[i]!.length === 0);
  if (unknown !== undefined) throw new Stop(`there is no suite ${unknown}`, `use some of ${known.join(', ')}.`, 2);
  if (values.write && (values.smoke || names.length > 0)) {
    throw new Stop('--write needs a whole run', 'leave out --smoke and the names.', 2);
  }
  return { names: names.length > 0 ? [...new Set(chosen.flat())] : known, ...values };
}

async function runAlone({ names, smoke }: Arguments): Promise<number> {
  const suite = SUITES.find(({ name }) => name === names[0])!;
  process.stdout.write(JSON.stringify(await runSuite(suite, { tiny: smoke, parent: PARENT })));
  return 0;
}

async function runAll({ names, smoke }: Arguments): Promise<Results> {
  const machine = await describeMachine();
  process.stderr.write('bench: Zig alone\n');
  const zig = await runZig(smoke);
  const suites: SuiteResult[] = [];
  for (const name of names) {
    process.stderr.write(`bench: ${name}\n`);
    const result = await inFreshProcess(name, smoke);
    suites.push({ ...result, cases: [...(zig.get(name) ?? []), ...result.cases] });
  }
  return { machine, suites };
}

async function inFreshProcess(name: string, smoke: boolean): Promise<SuiteResult> {
  const command = [process.execPath, import.meta.path, name, '--alone', ...(smoke ? ['--smoke'] : [])];
  // Bun collects garbage each second on its own account; what is looked for is what the code asks for.
  const env = { ...process.env, BUN_GC_TIMER_DISABLE: '1' };
  const child = Bun.spawn(command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (exitCode !== 0)
    throw new Stop(`the suite ${name} failed`, `see above; run it again with \`bun run bench ${name}\`.`);
  return JSON.parse(output) as SuiteResult;
}
