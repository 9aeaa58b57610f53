/**
 * All commands under one program. It writes nothing and ends nothing by itself: help goes where it is told, and every
 * misuse is thrown.
 * @module
 */
import { Command } from 'commander';
import manifest from '../../package.json';
import { addApply } from './commands/apply.ts';
import { addBackups } from './commands/backups.ts';
import { addBenchmark } from './commands/benchmark.ts';
import { addChanges } from './commands/changes.ts';
import { addDeclared } from './commands/declared.ts';
import { addEnvironment } from './commands/environment.ts';
import { addFeatures } from './commands/features.ts';
import { addFlags } from './commands/flags.ts';
import { addGrants } from './commands/grants.ts';
import { addHistory } from './commands/history.ts';
import { addLogin } from './commands/login.ts';
import { addLooks } from './commands/looks.ts';
import { addPackages } from './commands/packages.ts';
import { addProxy } from './commands/proxy.ts';
import { addRequests } from './commands/requests.ts';
import { addSeeing } from './commands/seeing.ts';
import { addServe } from './commands/serve.ts';
import { addTokens } from './commands/tokens.ts';
import { addTools } from './commands/tools.ts';
import { addTransfers } from './commands/transfers.ts';
import { addFilters } from './commands/filters.ts';
import { addUplinks } from './commands/uplinks.ts';
import { addUsers } from './commands/users.ts';
import { addVerify } from './commands/verify.ts';
import { addWatch } from './commands/watch.ts';
import { suggested } from './group.ts';
import { addSharedOptions } from './options.ts';

const EXAMPLES = `
Examples:
  c13 set rows=50 features.debug=true     change a config
  c13 rollout new_checkout 10             a feature for 10 % of the users
  c13 history --limit 5                   who changed what, and why
  c13 rollback 41                         put revision 41 back
  c13 get -d ./.c13/journal.db            without a registry

Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** `writeHelp` gets the texts of --help and --version. */
export function createProgram(writeHelp: (text: string) => void): Command {
  const program = new Command('c13')
    .description('13 bytes of configuration, shared, and a journal that forgets nothing.')
    .version(manifest.version, '-V, --version')
    .configureOutput({ writeOut: writeHelp, writeErr: () => {} })
    .addHelpText('after', EXAMPLES);
  program.exitOverride((error) => {
    throw suggested(error, program);
  });
  addSharedOptions(program);
  for (const add of [addLooks, addChanges, addApply, addFeatures, addFlags, addDeclared, addHistory, addBackups])
    add(program);
  for (const add of [addVerify, addTransfers, addSeeing, addWatch, addRequests, addPackages, addUplinks, addFilters])
    add(program);
  addEnvironment(program);
  addProxy(program);
  addBenchmark(program);
  for (const add of [addLogin, addUsers, addGrants, addTokens]) add(program);
  addServe(program);
  addTools(program);
  return program;
}
