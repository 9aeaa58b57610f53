/** Commands around the program itself: bootstrap, completion. @module */
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell, suggest } from '../completion.ts';
import { takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { facts } from '../text.ts';
import { parseSetting, readSetting } from '../../env/env.ts';

export function addTools(program: Command): void {
  takes(program.command('bootstrap'), 'data')
    .description('make the data directory (C13_DATA, else ./.c13) with its first configs; leaves alone what is there')
    .action(run(bootstrapData));
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

async function bootstrapData({ options: { data } }: Session): Promise<Answer> {
  const { bootstrap } = await import('../../registry/bootstrap.ts');
  const path = data === undefined ? readSetting('dataDirectory') : parseSetting('dataDirectory', data, '--data');
  const { operations, directory, made } = await bootstrap(path);
  const database = operations.store.path;
  await operations.store.close();
  return { data: { directory, database, made }, text: (style) => facts(style, { directory, database, made }) };
}

async function completion(_session: Session, shell: Shell): Promise<Answer> {
  const script = completionScript(shell);
  return { data: { shell, script }, text: () => script };
}
