/** Asks a person at a terminal; where there is none, says what to give instead. @module */
import { EXIT_INTERRUPTED, Stopped, usageError } from './failure.ts';

const SECRET_MAX_BYTES = 4096;

/** A line of text. Throws ERR_USAGE naming `instead` where nobody can be asked, `Stopped` on Ctrl-C. */
export async function askText(question: string, instead: string): Promise<string> {
  requireTerminal(question, instead);
  const { text } = await import('@clack/prompts');
  const validate = (value: string | undefined) => (value === undefined || value === '' ? 'Type something.' : undefined);
  return answered(await text({ message: question, output: process.stderr, validate }));
}

/** A line that is not shown. Throws as `askText`. */
export async function askHidden(question: string, instead: string): Promise<string> {
  requireTerminal(question, instead);
  const { password } = await import('@clack/prompts');
  return answered(await password({ message: question, output: process.stderr }));
}

/** A new password, typed twice. Throws as `askText`, and `Stopped` when they differ. */
export async function askNewPassword(question: string, instead: string): Promise<string> {
  const first = await askHidden(question, instead);
  if (first === (await askHidden('Again', instead))) return first;
  throw usageError('password', 'The two passwords are not the same', 'Type the same one twice.');
}

/** The first lines of stdin, none of them empty. Throws ERR_USAGE when there are fewer. */
export async function readSecretLines(option: string, count: number): Promise<string[]> {
  const text = await new Response(Bun.stdin.stream()).text();
  const lines = text.slice(0, SECRET_MAX_BYTES).split(/\r?\n/).slice(0, count);
  if (lines.length === count && !lines.includes('')) return lines;
  throw usageError(
    option,
    `${option}: stdin does not have ${count === 1 ? 'a line' : `${count} lines`}`,
    'Pipe it in.',
  );
}

/** Whether somebody can be asked. */
export function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

function requireTerminal(question: string, instead: string): void {
  if (isTerminal()) return;
  throw usageError(instead, `${question}: nobody is there to be asked`, `Give it with ${instead}.`);
}

/** The prompts answer Ctrl-C with a symbol. */
function answered(answer: string | symbol): string {
  if (typeof answer === 'string') return answer;
  throw new Stopped('nothing was changed', EXIT_INTERRUPTED);
}
