/** A command that only holds others, and what is said to who missed it. @module */
import { type Command, CommanderError } from 'commander';
import { usageError } from './failure.ts';
import { pathOf } from './options.ts';

/** Alone it is a mistake that names what it holds. `elsewhere`: other programs that do what is looked for in it. */
export function group(
  program: Command,
  name: string,
  description: string,
  elsewhere: Readonly<Record<string, string>> = {},
): Command {
  const command = program.command(name).description(description);
  return command.exitOverride((error) => {
    if (error.code !== 'commander.help' || error.exitCode === 0) throw suggested(error, command, elsewhere);
    const known = membersOf(command).map((member) => member.name());
    throw usageError(name, `'${pathOf(command)}' needs one of: ${known.join(', ')}`, `See: ${pathOf(command)} --help.`);
  });
}

/**
 * The error about a command that is not known, with a hint where Commander has none: the program that has it, groups
 * that hold one of that name, else what there is.
 */
export function suggested(
  error: CommanderError,
  command: Command,
  elsewhere: Readonly<Record<string, string>> = {},
): Error {
  const [, unknown, suggestion] = /^error: unknown command '(.*)'(\n.*)?$/.exec(error.message) ?? [];
  if (error.code !== 'commander.unknownCommand' || unknown === undefined) return error;
  if (Object.hasOwn(elsewhere, unknown)) {
    return usageError('unknownCommand', `Unknown command '${unknown}'`, `That is: ${elsewhere[unknown]}.`);
  }
  const holding = membersOf(command).filter((member) => membersOf(member).some((inner) => inner.name() === unknown));
  if (holding.length === 0 && suggestion !== undefined) return error;
  const meant = holding.map((member) => `${pathOf(member)} ${unknown}`).join(', ');
  const members = membersOf(command).map((member) => member.name());
  const known = command.parent === null ? 'See: c13 --help.' : `It has: ${members.join(', ')}.`;
  return usageError('unknownCommand', `Unknown command '${unknown}'`, meant === '' ? known : `Did you mean ${meant}?`);
}

function membersOf(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((member) => member.name() !== 'help');
}
