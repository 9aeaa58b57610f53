/**
 * Text for people: short aligned tables, and colours and symbols only where a terminal shows them. Whatever came from
 * outside is cleaned first, so that a stored reason can neither move the cursor nor forge a line.
 * @module
 */

/** How one output stream is written to. */
export interface Style {
  /** A person reads it: symbols, clipped lines. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; without one, no limit. */
  readonly columns: number;
  readonly arrow: string;
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** Columns that are left to one that gives way. */
const YIELDS_TO = 12;

/** Control characters, and those that turn the direction of writing around. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text with everything that a terminal would obey written out. */
export function clean(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for a text of several lines, which stay lines. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/** `columns` 0: not a terminal. */
export function styleOf(columns: number, hasColour: boolean): Style {
  const paint = (code: number) => (text: string) => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const isTerminal = columns > 0;
  return {
    isTerminal,
    columns: isTerminal ? columns : Number.POSITIVE_INFINITY,
    arrow: isTerminal ? '→' : '->',
    bold: paint(1),
    dim: paint(2),
    green: paint(32),
    red: paint(31),
    yellow: paint(33),
  };
}

/**
 * Rows under a head, columns two blanks apart; on a terminal no line is longer than it is wide: the column `yielding`
 * gives way first, then the line is cut.
 */
export function table(
  style: Style,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  yielding?: string,
): string {
  const cells = rows.map((row) => row.map(clean));
  const widths = head.map((title, column) => Math.max(...[head, ...cells].map((row) => width(row[column] ?? title))));
  const narrow = head.findIndex((title) => title === yielding);
  const excess = widths.reduce((sum, columns) => sum + columns + 2, -2) - style.columns;
  if (narrow >= 0 && excess > 0) {
    widths[narrow] = Math.max(Math.min(YIELDS_TO, widths[narrow]!), widths[narrow]! - excess);
  }
  const lines = cells.map((row) =>
    line(
      row.map((cell, i) => (i === narrow ? fit(cell, widths[i]!) : cell)),
      widths,
      style,
    ),
  );
  return [style.dim(line(head, widths, style)), ...lines].join('\n');
}

/** One `name  value` line for each fact; objects inside are named `head.seq`. */
export function facts(style: Style, object: Readonly<Record<string, unknown>>): string {
  const pairs = flatten(object);
  const widest = Math.max(0, ...pairs.map(([name]) => width(clean(name))));
  return pairs.map(([name, value]) => `${style.dim(pad(clean(name), widest))}  ${clean(value)}`).join('\n');
}

/** @example timeText(0) // '1970-01-01T00:00:00.000Z' */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** @example sizeText(20480) // '20.0 KiB' */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

function line(row: readonly string[], widths: readonly number[], style: Style): string {
  const text = row
    .map((cell, column) => pad(cell, widths[column] ?? 0))
    .join('  ')
    .trimEnd();
  return fit(text, style.columns);
}

function fit(text: string, columns: number): string {
  return width(text) > columns ? `${clip(text, columns - 1)}…` : text;
}

function flatten(object: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] {
  return Object.entries(object).flatMap(([name, value]): [string, string][] => {
    if (Array.isArray(value)) return [[prefix + name, value.map(String).join(', ') || 'none']];
    if (value === null) return [[prefix + name, 'none']];
    if (typeof value === 'object') return flatten(value as Record<string, unknown>, `${prefix}${name}.`);
    return [[prefix + name, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

function clip(text: string, columns: number): string {
  let kept = '';
  for (const character of text) {
    if (width(kept + character) > columns) return kept;
    kept += character;
  }
  return kept;
}

function width(text: string): number {
  return Bun.stringWidth(text);
}
