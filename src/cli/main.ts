#!/usr/bin/env bun
/**
 * The command `c13`. Reads the command line, hands it to the program, and ends with its exit code as soon as everything
 * is written.
 * @module
 */
import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { writeOut } from './printer.ts';
import { printerOf, reported } from './run.ts';

process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  let help = '';
  const program = createProgram((text) => {
    help += text;
  });
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    await writeOut(help);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const isHelp = error instanceof CommanderError && error.exitCode === 0;
    if (!isHelp) return await reported(printerOf(program.opts()), error);
    await writeOut(help);
    return 0;
  }
}
