/** docs/CLI.md shows what the command really prints. @module */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { lasting, runShown, shownIn } from './console.ts';

const DOCUMENT = readFileSync(new URL('../../docs/CLI.md', import.meta.url), 'utf8');

test('every example prints what is shown', async () => {
  const shown = shownIn(DOCUMENT);
  const ran = await runShown(shown.map(({ command }) => command));
  for (const [i, { command, output }] of shown.entries()) {
    expect(`$ ${command}\n${lasting(ran[i]!.output)}`).toBe(`$ ${command}\n${lasting(output)}`);
  }
  expect(shown.length).toBeGreaterThan(40);
});

test('every command and every shared option is there', () => {
  const program = createProgram(() => {});
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  for (const name of commands.filter((command) => command !== 'help'))
    expect(DOCUMENT).toMatch(new RegExp(`\\b${name}\\b`));
  for (const { long } of program.options) if (long !== '--version') expect(DOCUMENT).toContain(`\`${long}`);
});
