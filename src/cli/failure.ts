/**
 * What a failure looks like on a command line: one line that says what is wrong and what to do, one document for
 * scripts, and an exit code. 2 means that the command as written could not be understood and was not begun.
 * @module
 */
import { CommanderError } from 'commander';
import { clean } from './text.ts';
import { type AnyConfigError, ConfigError, type ErrorCode, isConfigError } from '../errors/errors.ts';

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As a shell reports a program that Ctrl-C ended. */
export const EXIT_INTERRUPTED = 130;

/** The command ends here, and everything that there is to say is in the message; '' when it was said already. */
export class Stopped extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['ERR_USAGE', 'ERR_SETTING']);

export function exitCodeOf({ code }: AnyConfigError): number {
  return USAGE_CODES.has(code) ? EXIT_USAGE : EXIT_FAILED;
}

/** @example errorLine(error) // "error: Unknown template: prodction. Available: … — Did you mean 'production'?" */
export function errorLine({ message, hint }: AnyConfigError): string {
  return `error: ${clean(message.replace(/\.$/, ''))} — ${clean(hint)}`;
}

/** A mistake in the command line itself. */
export function usageError(argument: string, message: string, hint: string): ConfigError<'ERR_USAGE'> {
  return new ConfigError('ERR_USAGE', { message, hint, details: { argument } });
}

/** Whatever was thrown, as an error with a code. */
export function failureOf(error: unknown): AnyConfigError {
  if (isConfigError(error)) return error;
  if (error instanceof CommanderError) return fromCommander(error) as AnyConfigError;
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return new ConfigError('ERR_INTERNAL', {
    message: `c13 itself failed: ${message}`,
    hint: 'This is a fault of the program: report it with the command and this line.',
    details: { id: stack.split('\n')[1]?.trim() ?? '' },
    cause: error,
  }) as AnyConfigError;
}

/** Commander writes `error: what` and, on a line of its own, `(Did you mean ...?)`. */
function fromCommander({ message, code }: CommanderError): ConfigError<'ERR_USAGE'> {
  const [what = message, suggestion] = message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'See the command with --help.';
  return usageError(
    code.replace(/^commander\./, ''),
    what.replace(/^./, (first) => first.toUpperCase()),
    hint,
  );
}
