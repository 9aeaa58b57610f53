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
 * Rows under a head, columns two blanks apart; on a terminal no line is longer than it is wide: the columns `yielding`
 * give way first, one after the other, then the line is cut.
 */
export function table(
  style: Style,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  ...yielding: readonly string[]
): string {
  const cells = rows.map((row) => row.map(clean));
  const widths = head.map((title, column) => Math.max(...[head, ...cells].map((row) => width(row[column] ?? title))));
  for (const title of yielding) {
    const column = head.indexOf(title);
    const excess = widths.reduce((sum, columns) => sum + columns + 2, -2) - style.columns;
    if (excess > 0) widths[column] = Math.max(Math.min(YIELDS_TO, widths[column]!), widths[column]! - excess);
  }
  const lines = cells.map((row) =>
    line(
      row.map((cell, i) => fit(cell, widths[i] ?? Number.POSITIVE_INFINITY)),
      widths,
      style,
    ),
  );
  return [style.dim(line(head, widths, style)), ...lines].join('\n');
}

/** A `name  value` line for each fact, long ones going on below; objects inside are named `head.seq`. */
export function facts(style: Style, object: Readonly<Record<string, unknown>>): string {
  const pairs = flatten(object);
  const widest = Math.max(0, ...pairs.map(([name]) => width(clean(name))));
  const indent = widest + 2;
  // What is one long word, such as a hash, is to be copied whole.
  const isWhole = (value: string): boolean => value.split(' ').some((word) => width(word) > style.columns - indent);
  const shown = (value: string): string => (isWhole(value) ? value : wrapped(style, value, indent).slice(indent));
  return pairs.map(([name, value]) => `${style.dim(pad(clean(name), widest))}  ${shown(clean(value))}`).join('\n');
}

/**
 * A text of any length, cleaned, in lines no longer than the terminal is wide, broken between words where there are
 * some; each begins with `indent` blanks.
 */
export function wrapped(style: Style, text: string, indent = 0): string {
  const room = Math.max(YIELDS_TO, style.columns - indent);
  const lines = cleanLines(text).split('\n');
  return lines.flatMap((line) => broken(line, room).map((part) => ' '.repeat(indent) + part)).join('\n');
}

/** @example durationText(5400) // '90m' */
export function durationText(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const;
  const [unit, size] = units.find(([, length]) => seconds > 0 && seconds % length === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}

/** A value of a field as JSON, times (`expiresAt`) as people write them; 'none' where nothing is there. */
export function valueText(field: string, value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'number' && field.endsWith('At') ? timeText(value) : JSON.stringify(value);
}

/** @example timeText(0) // '1970-01-01T00:00:00.000Z' */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** @example countText(1, 'blob') // '1 blob' */
export function countText(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
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

function broken(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (width(rest) > columns) {
    const head = clip(rest, columns);
    const isWhole = rest[head.length] === ' ';
    const words = isWhole ? head : head.slice(0, Math.max(0, head.lastIndexOf(' ')));
    const line = words.trim() === '' ? head : words;
    lines.push(line.trimEnd());
    rest = rest.slice(line.length).replace(/^ /, '');
  }
  return [...lines, rest];
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
