/** What a running registry counts, and what it warns of: metrics, alerts. @module */
import type { Command } from 'commander';
import { takes, TARGET } from '../options.ts';
import { parseSamples } from '../samples.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { cleanLines, table, timeText } from '../text.ts';
import { type AnyConfigError, ConfigError } from '../../errors/errors.ts';

/** Among what only those are told who may read the status. */
const INSIDE = 'c13_configs';

export function addSeeing(program: Command): void {
  takes(program.command('metrics'), ...TARGET)
    .description("print the registry's metrics as Prometheus text")
    .option('--all', 'exit code 1 when only those of the process are answered')
    .action(run(metrics));
  takes(program.command('alerts'), ...TARGET)
    .description('list the alerts that fire, or will if nothing changes')
    .action(run(alerts));
}

async function metrics(session: Session, { all = false }: { all?: boolean }): Promise<Answer> {
  const text = await (await session.target()).metrics();
  const samples = parseSamples(text);
  const answer: Answer = { data: { samples }, text: () => cleanLines(text.trimEnd()) };
  return all && !samples.some(({ name }) => name === INSIDE) ? { ...answer, fault: notAll() } : answer;
}

function notAll(): AnyConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'These are the figures of the process alone: the others are for those who may read status:registry',
    hint: 'Sign in: c13 login. What you may do: c13 whoami.',
    details: { rule: 'rights' },
  }) as AnyConfigError;
}

async function alerts(session: Session): Promise<Answer> {
  const found = await (await session.target()).alerts();
  const rows = found.map(({ rule, state, since, value }) => [
    rule.name,
    state,
    rule.severity,
    timeText(since),
    `${rule.metric} ${value}, ${rule.comparison} ${rule.value}${rule.for_s === 0 ? '' : ` for ${rule.for_s} s`}`,
  ]);
  return {
    data: { alerts: found },
    text: (style) => table(style, ['alert', 'state', 'severity', 'since', 'figure'], rows, 'figure'),
  };
}
