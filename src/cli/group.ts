/** A command that only holds others: alone it is a mistake that names what it holds. @module */
import type { Command } from 'commander';
import { usageError } from './failure.ts';
import { pathOf } from './options.ts';

export function group(program: Command, name: string, description: string): Command {
  const command = program.command(name).description(description);
  return command.exitOverride((error) => {
    if (error.code !== 'commander.help' || error.exitCode === 0) throw error;
    const known = command.commands.map((member) => member.name());
    throw usageError(name, `'${pathOf(command)}' needs one of: ${known.join(', ')}`, `See: ${pathOf(command)} --help.`);
  });
}
