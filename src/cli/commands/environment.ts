/** A config as environment variables. @module */
import { type Command, Option } from 'commander';
import { group } from '../group.ts';
import { READS_CONFIG, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { ENVIRONMENT_FORMATS, type EnvironmentFormat } from '../../config/environment.ts';

export function addEnvironment(program: Command): void {
  const env = group(program, 'env', 'a config as environment variables');
  takes(env.command('export'), ...READS_CONFIG)
    .description('print a config as BUN_* variables')
    .addOption(new Option('--format <format>', 'how').choices(ENVIRONMENT_FORMATS).default('shell'))
    .action(run(exportVariables));
}

async function exportVariables(session: Session, { format }: { format: EnvironmentFormat }): Promise<Answer> {
  const target = await session.target();
  const text = await target.environment(session.name, format);
  const variables = session.options.json === true ? await target.environment(session.name, 'json') : '{}';
  return { data: JSON.parse(variables), text: () => text.trimEnd() };
}
