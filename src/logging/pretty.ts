/**
 * Lines for a person at a terminal. What a line holds must not steer the terminal: control characters are shown as what
 * they are.
 * @module
 */
import { writeSync } from 'node:fs';
import type { PrettyOptions } from 'pino-pretty';
import type { LineSink } from './logger.ts';

const OPTIONS: PrettyOptions = { colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' };

/** Writes at once: whoever looks on waits for it. */
export function prettyStream(fd: number): LineSink {
  const pretty = prettyLines(OPTIONS);
  return { write: (line) => void writeSync(fd, pretty(line)) };
}

/** A line of JSON as a readable one. */
export function prettyLines(options: PrettyOptions): (line: string) => string {
  // Loaded here, because few processes that log have a terminal.
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  const toText = prettyFactory(options);
  return (line) => toText(withoutControls(line));
}

/** Escapes of the control characters are escaped once more; pairs are taken together, or `\\u001b` would become one. */
function withoutControls(json: string): string {
  return json
    .replace(/\\(?:u00[01][0-9a-f]|.)/g, (escape) => (/^\\(?:u|[bfr])/.test(escape) ? `\\${escape}` : escape))
    .replace(/[\x7f-\x9f]/g, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`);
}
