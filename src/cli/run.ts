/**
 * From an action to a finished command: its options are judged, its target is closed whatever happened, and only then
 * is the answer written, so that nothing is reported as done that is not on disk.
 * @module
 */
import type { Command } from 'commander';
import { EXIT_DONE, exitCodeOf, failureOf, Stopped } from './failure.ts';
import { Interrupt } from './interrupt.ts';
import { sharedOptions, type SharedOptions } from './options.ts';
import { type Answer, Printer, writeErr } from './printer.ts';
import { Session } from './session.ts';
import { clean } from './text.ts';
import { processVariables } from '../env/env.ts';

/** What a command does: its own arguments and options in, an answer out. */
export type Action<A extends unknown[]> = (session: Session, ...args: A) => Promise<Answer>;

/** Commander calls an action with the arguments, the command's own options, and the command. */
export type CommandHandler<A extends unknown[]> = (...args: [...A, Command]) => Promise<void>;

/** Runs an action and leaves its exit code in `process.exitCode`. */
export function run<A extends unknown[]>(action: Action<A>): CommandHandler<A> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const printer = printerOf(sharedOptions(command));
    const interrupt = new Interrupt();
    const session = new Session(sharedOptions(command), printer, interrupt);
    try {
      const answer = await closed(session, action(session, ...(args.slice(0, -1) as A)));
      await printer.answer(answer);
      process.exitCode = interrupt.exitCode ?? (answer.fault === undefined ? EXIT_DONE : exitCodeOf(answer.fault));
    } catch (error) {
      process.exitCode = interrupt.exitCode ?? (await reported(printer, error));
      if (interrupt.exitCode !== null) await writeErr(`interrupted: ${clean((error as Error).message)}\n`);
    }
  };
}

/** Tells of a failure; returns the exit code. */
export async function reported(printer: Printer, error: unknown): Promise<number> {
  if (error instanceof Stopped) {
    if (error.message !== '') await writeErr(`${error.message}\n`);
    return error.exitCode;
  }
  const failure = failureOf(error);
  await printer.failure(failure);
  return exitCodeOf(failure);
}

export function printerOf({ json = false, quiet = false, color }: Partial<SharedOptions>): Printer {
  const { NO_COLOR = '', TERM } = processVariables();
  return new Printer({ json, quiet, colour: color !== false && NO_COLOR === '' && TERM !== 'dumb' });
}

async function closed(session: Session, work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } finally {
    await session.close();
  }
}
