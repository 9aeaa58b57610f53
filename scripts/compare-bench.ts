/**
 * `bun scripts/compare-bench.ts A [B] [--suite NAME]... [--rounds N] [--smoke] [--json]`: two commits side by side, B
 * the checkout's HEAD unless named. Each gets a worktree of its own in a temporary directory and is built there; each
 * round starts a fresh process per commit, and the order is reversed each round. Touches nothing of this checkout but
 * git's list of worktrees.
 * @module
 */
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keep, main, ROOT, say, Stop } from './run.ts';

const ROUNDS = 5;

interface Variant {
  readonly name: string;
  readonly commit: string;
  readonly directory: string;
}

/** Of one operation in one column: the medians of each round, and over the rounds. Nanoseconds. */
export interface Row {
  readonly operation: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly medianA: number;
  readonly medianB: number;
  /** B over A: under 1, B is faster. */
  readonly ratio: number;
}

interface Report {
  readonly suites: readonly {
    readonly suite: string;
    readonly cases: readonly { readonly operation: string; readonly column: string; readonly p50: number }[];
  }[];
}

if (import.meta.main) await main(run);

async function run(): Promise<number> {
  const { references, suites, rounds, smoke, json } = parse(Bun.argv.slice(2));
  const parent = mkdtempSync(join(tmpdir(), 'c13-compare-'));
  const variants: Variant[] = [];
  try {
    for (const [i, reference] of references.entries()) variants.push(await checkOut(reference, join(parent, 'ab'[i]!)));
    const taken = await takeTurns(variants, rounds, [...suites, ...(smoke ? ['--smoke'] : [])]);
    const rows = compareRounds(taken[0]!, taken[1]!);
    const [a, b] = variants.map(({ name, commit }) => ({ name, commit }));
    say(json ? JSON.stringify({ a, b, rounds, rows }) : text(variants, rows));
    return 0;
  } finally {
    for (const { directory } of variants) await keep(['git', 'worktree', 'remove', '--force', directory]);
    rmSync(parent, { recursive: true, force: true });
    await keep(['git', 'worktree', 'prune']);
  }
}

function parse(args: string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    rounds: { type: 'string', default: String(ROUNDS) },
    smoke: flag,
    json: flag,
    suite: list(),
  } as const;
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Stop((error as Error).message, 'give one or two commits, --suite NAME, --rounds N, --smoke, --json.', 2);
  }
  const { positionals, values } = parsed;
  const rounds = Number(values.rounds);
  if (positionals.length < 1 || positionals.length > 2 || !Number.isInteger(rounds) || rounds < 1) {
    throw new Stop(
      'one or two commits and a whole number of rounds are needed',
      'as in `bun scripts/compare-bench.ts HEAD~1`.',
      2,
    );
  }
  const references = [positionals[0]!, positionals[1] ?? 'HEAD'];
  return { references, suites: values.suite, rounds, smoke: values.smoke, json: values.json };
}

function list() {
  return { type: 'string', multiple: true, default: [] as string[] } as const;
}

/** The commit in a directory of its own, with this checkout's packages and its own core. */
async function checkOut(reference: string, directory: string): Promise<Variant> {
  const found = await keep(['git', 'rev-parse', '--verify', '--quiet', `${reference}^{commit}`]);
  if (found.exitCode !== 0) throw new Stop(`there is no commit ${reference}`, 'see `git log --oneline`.', 2);
  const commit = found.output.trim();
  await must(['git', 'worktree', 'add', '--detach', directory, commit], `no worktree for ${reference}`);
  if (!existsSync(join(directory, 'bench/main.ts'))) {
    await keep(['git', 'worktree', 'remove', '--force', directory]);
    throw new Stop(`${reference} has no benchmarks`, 'take a later commit.', 2);
  }
  symlinkSync(`${ROOT}node_modules`, join(directory, 'node_modules'), 'dir');
  process.stderr.write(`compare: building ${reference}\n`);
  await must([process.execPath, join(directory, 'scripts/build.ts')], `${reference} does not build`);
  return { name: reference, commit, directory };
}

async function must(command: string[], what: string): Promise<void> {
  const { exitCode, output } = await keep(command);
  if (exitCode === 0) return;
  process.stderr.write(output);
  throw new Stop(what, 'read the output above.');
}

/** By variant, by round: medians by operation. */
async function takeTurns(variants: readonly Variant[], rounds: number, args: readonly string[]) {
  const taken: Map<string, number>[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const i of order) {
      process.stderr.write(`compare: round ${round + 1} of ${rounds}, ${variants[i]!.name}\n`);
      taken[i]!.push(await medians(variants[i]!, args));
    }
  }
  return taken;
}

async function medians({ name, directory }: Variant, args: readonly string[]): Promise<Map<string, number>> {
  const command = [process.execPath, join(directory, 'bench/main.ts'), ...args, '--json'];
  const child = Bun.spawn(command, { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] });
  const [output, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (exitCode !== 0) throw new Stop(`the benchmarks of ${name} failed`, 'run them in a checkout of that commit.');
  const { suites } = JSON.parse(output) as Report;
  return new Map(
    suites.flatMap(({ suite, cases }) =>
      cases.map(({ operation, column, p50 }) => [`${suite}: ${operation} (${column})`, p50] as const),
    ),
  );
}

/** What both commits have, in the order of A. */
export function compareRounds(a: readonly Map<string, number>[], b: readonly Map<string, number>[]): Row[] {
  return [...(a[0]?.keys() ?? [])]
    .filter((operation) => b[0]?.has(operation) === true)
    .map((operation) => {
      const of = (rounds: readonly Map<string, number>[]): number[] => rounds.map((round) => round.get(operation)!);
      const [medianA, medianB] = [median(of(a)), median(of(b))];
      return { operation, a: of(a), b: of(b), medianA, medianB, ratio: medianB / medianA };
    });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function text(variants: readonly Variant[], rows: readonly Row[]): string {
  const numbers = (values: readonly number[]): string => values.map((value) => value.toPrecision(3)).join(' ');
  const [a, b] = variants.map(({ name, commit }) => `${name} (${commit.slice(0, 12)})`);
  return [
    `A ${a}, B ${b}; nanoseconds, B/A under 1: B is faster`,
    ...rows.map(
      ({ operation, ratio, medianA, medianB, a: rawA, b: rawB }) =>
        `${ratio.toFixed(3)}x  ${operation}: A ${medianA.toPrecision(3)} [${numbers(rawA)}]  ` +
        `B ${medianB.toPrecision(3)} [${numbers(rawB)}]`,
    ),
  ].join('\n');
}
