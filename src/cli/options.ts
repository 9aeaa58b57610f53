/**
 * The options that commands share. Each is declared once and may stand before or behind the command; a command says
 * which of them it takes, and refuses the others instead of overlooking them.
 * @module
 */
import { type Command, Option } from 'commander';
import { usageError } from './failure.ts';
import { parseWhole } from './values.ts';
import { DEFAULT_NAME } from '../config/name.ts';
import { SETTINGS } from '../env/env.ts';

/** As given; what was left out is undefined. */
export interface SharedOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly url?: string;
  readonly database?: string;
  readonly data?: string;
  readonly tokenFile?: string;
  readonly insecure?: boolean;
  readonly name?: string;
  readonly reason?: string;
  readonly actor?: string;
  readonly ifRevision?: number;
  readonly force?: boolean;
  readonly yes?: boolean;
}

export type SharedOption = keyof SharedOptions;

const EVERYWHERE: readonly SharedOption[] = ['json', 'quiet', 'color'];
/** What a command takes that speaks to a registry. */
export const REGISTRY: readonly SharedOption[] = ['url', 'tokenFile', 'insecure'];
/** What a command takes that speaks to a registry or a database. */
export const TARGET: readonly SharedOption[] = [...REGISTRY, 'database', 'data'];
/** What a command takes that changes users, grants, tokens or keys. */
export const CHANGES_IDENTITY: readonly SharedOption[] = [...TARGET, 'reason', 'actor'];
/** What a command takes that looks at one config. */
export const READS_CONFIG: readonly SharedOption[] = [...TARGET, 'name'];
/** What a command takes that changes one config. */
export const WRITES_CONFIG: readonly SharedOption[] = [...READS_CONFIG, 'reason', 'actor', 'ifRevision'];

/** Columns of a description that are enough to break it: long words in front must not push it off a narrow terminal. */
const WRAPS_FROM = 24;

const taken = new WeakMap<Command, readonly SharedOption[]>();

export function addSharedOptions(program: Command): void {
  const { registryUrl, host, port } = SETTINGS;
  const where = [registryUrl.variable, `${host.variable} and ${port.variable}`, registryUrl.default].join(', else ');
  program
    .addOption(new Option('--json', 'answer with one JSON document'))
    .addOption(new Option('-q, --quiet', 'print nothing on success').conflicts('json'))
    .addOption(new Option('--no-color', 'no colours, as with NO_COLOR'))
    .addOption(new Option('--url <url>', `the registry (${where})`).conflicts(['database', 'data']))
    .addOption(
      new Option(
        '--token-file <file>',
        `file with the token to show (${SETTINGS.token.variable}, else c13 login)`,
      ).conflicts(['database', 'data']),
    )
    .addOption(new Option('--insecure', 'send the token also where others can read it on its way'))
    .addOption(new Option('-d, --database <file>', 'work on a database file instead of a registry').conflicts('data'))
    .addOption(new Option('--data <directory>', 'work on a data directory, the same way'))
    .addOption(new Option('-n, --name <config>', `the config: service or service/environment (${DEFAULT_NAME})`))
    .addOption(new Option('-m, --reason <text>', 'why, for the history'))
    .addOption(new Option('--actor <who>', 'who signs a change on a database (user@host)'))
    .addOption(
      new Option(
        '--if-revision <number>',
        'only if what is changed is at this revision; 0: only if it is not there',
      ).argParser((text) => parseWhole(text, '--if-revision', 0)),
    )
    .addOption(new Option('--force', 'do it although something speaks against it'))
    .addOption(new Option('-y, --yes', 'do not ask'));
  const help = { showGlobalOptions: true, minWidthToWrap: WRAPS_FROM };
  program.configureHelp({
    ...help,
    visibleGlobalOptions: (command) => program.options.filter((option) => isTaken(command, option.attributeName())),
  });
}

/** Says which shared options a command takes besides --json, --quiet and --no-color. */
export function takes(command: Command, ...options: readonly SharedOption[]): Command {
  taken.set(command, options);
  return command;
}

/** Shared options a command takes, for its help and its completion. */
export function sharedOptionsOf(command: Command, program: Command): readonly Option[] {
  return program.options.filter((option) => isTaken(command, option.attributeName()));
}

/** The shared options as given. Throws ERR_USAGE for one that the command does not take. */
export function sharedOptions(command: Command): SharedOptions {
  const given: Record<string, unknown> = command.optsWithGlobals();
  const program = rootOf(command);
  for (const option of program.options) {
    const attribute = option.attributeName();
    if (program.getOptionValueSource(attribute) !== 'cli' || isTaken(command, attribute)) continue;
    throw usageError(
      option.long ?? attribute,
      `'${pathOf(command)}' does not take ${option.long}`,
      `Leave it out, or see: ${pathOf(command)} --help.`,
    );
  }
  return given as unknown as SharedOptions;
}

/** @example pathOf(command) // 'c13 feature enable' */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

function isTaken(command: Command, attribute: string): boolean {
  return command.parent !== null && [...EVERYWHERE, ...(taken.get(command) ?? [])].some((name) => name === attribute);
}
