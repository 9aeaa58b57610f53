/** The command on a real terminal: colours, symbols, clipped lines, questions, Ctrl-C. @module */
import { expect, test } from 'vitest';
import { MAIN, Workplace } from './cli.ts';
import { processVariables } from '../../src/env/env.ts';

const COLUMNS = 80;
const CTRL_C = '\u0003';

interface Seen {
  readonly exitCode: number;
  /** All that the terminal was sent. */
  readonly text: string;
}

/** Runs on a pseudo-terminal; `keys` are typed once the pattern has shown up. */
async function onTerminal(
  { directory, database }: Workplace,
  args: readonly string[],
  { keys, env = {} }: { keys?: readonly [RegExp, string]; env?: Record<string, string> } = {},
): Promise<Seen> {
  let text = '';
  let typed = false;
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, MAIN, ...args, '--database', database], {
    cwd: directory,
    env: { ...processVariables(), TERM: 'xterm-256color', NO_COLOR: '', ...env },
    terminal: {
      cols: COLUMNS,
      rows: 24,
      data(terminal, data) {
        text += decoder.decode(data, { stream: true });
        if (keys === undefined || typed || !keys[0].test(text)) return;
        typed = true;
        terminal.write(keys[1]);
      },
    },
  });
  const exitCode = await child.exited;
  child.terminal?.close();
  return { exitCode, text };
}

const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

test('history has colours, arrows, and no line wider than the terminal', async () => {
  using place = await Workplace.open();
  await place.on(['set', 'rows=50', '--reason', 'a long story '.repeat(20)]);
  const { exitCode, text } = await onTerminal(place, ['history']);
  expect(exitCode).toBe(0);
  expect(text).toContain('\u001b[2mrevision');
  const lines = text.replaceAll(ANSI, '').trimEnd().split('\r\n');
  expect(lines[1]).toMatch(/^2 {9}\S+ {2}update .* rows 24→50 .*…$/);
  expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).toBe(COLUMNS);
});

test('status is aligned', async () => {
  using place = await Workplace.open();
  const lines = (await onTerminal(place, ['status'])).text.replaceAll(ANSI, '').trimEnd().split('\r\n');
  expect(lines[0]).toMatch(/^target +database$/);
  expect(new Set(lines.map((line) => /^\S+ +/.exec(line)![0].length)).size).toBe(1);
});

test('NO_COLOR, --no-color and a dumb terminal have none', async () => {
  using place = await Workplace.open();
  for (const [args, env] of [
    [['list'], { NO_COLOR: '1' }],
    [['list', '--no-color'], {}],
    [['list'], { TERM: 'dumb' }],
  ] as const) {
    expect((await onTerminal(place, args, { env })).text).not.toMatch(ANSI);
  }
});

test('errors are red', async () => {
  using place = await Workplace.open();
  const { exitCode, text } = await onTerminal(place, ['gte']);
  expect({ exitCode, text }).toEqual({
    exitCode: 2,
    text: "\u001b[31merror:\u001b[0m Unknown command 'gte' — Did you mean get?\r\n",
  });
});

test('a question is answered yes, no, or by Ctrl-C', async () => {
  using place = await Workplace.open();
  await place.on(['set', 'rows=50']);
  const rows = async () => (await place.json(['get'])).rows as number;
  const answered = (key: string) => onTerminal(place, ['reset'], { keys: [/\bNo\b/, key] });
  expect((await answered('n')).exitCode).toBe(1);
  expect(await rows()).toBe(50);
  expect((await answered(CTRL_C)).exitCode).toBe(130);
  expect(await rows()).toBe(50);
  expect((await answered('y')).exitCode).toBe(0);
  expect(await rows()).toBe(24);
});
