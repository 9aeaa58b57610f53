/**
 * What is typed on a command line, as values: `field=value` pairs, numbers, moments. Only the form is judged here; what
 * a field may hold is for the border of configs to say.
 * @module
 */
import { usageError } from './failure.ts';
import { isCalendarDay } from '../config/calendar.ts';

const NUMBER = /^-?\d{1,15}(\.\d{1,6})?$/;
const WHOLE = /^\d{1,15}$/;
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DURATION = /^(\d{1,8})([smhd])$/;
const UNITS_S = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const ANCHOR = /^(\d{1,15}):([0-9a-f]{64})$/;
/** Parts of a config that are objects of their own. */
const GROUPS = ['features', 'rollouts'];

/**
 * `rows=50 features.debug=true rollouts.new_checkout=10` as what `set` takes. Throws ERR_USAGE for what is no pair, or
 * a field that is given twice.
 */
export function parsePairs(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  const fields: [string, unknown][] = [];
  const groups = new Map<string, [string, unknown][]>();
  const seen = new Set<string>();
  for (const pair of pairs) {
    const [key, value] = splitPair(pair);
    if (seen.has(key)) throw usageError(key, `'${key}' is given twice`, 'Give each field once.');
    seen.add(key);
    const dot = key.indexOf('.');
    const group = key.slice(0, Math.max(0, dot));
    if (!GROUPS.includes(group)) fields.push([key, parseValue(value)]);
    else groups.set(group, [...(groups.get(group) ?? []), [key.slice(dot + 1), parseValue(value)]]);
  }
  const whole = fields.find(([key]) => groups.has(key))?.[0];
  if (whole !== undefined) {
    throw usageError(whole, `'${whole}' is given whole and in parts`, `Give ${whole}.<feature>=<value> pairs alone.`);
  }
  const grouped = [...groups].map(([group, members]) => [group, Object.fromEntries(members)] as const);
  return Object.fromEntries<unknown>([...fields, ...grouped]);
}

/** What to write instead of a feature's bare name. */
export function asPair(feature: string): string {
  return `Did you mean features.${feature}=true?`;
}

/** `new_checkout=12` pairs as numbers by name. Throws ERR_USAGE. */
export function parseBits(pairs: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name, bit] = splitPair(pair);
      return [name, parseWhole(bit, name, 0)];
    }),
  );
}

/** A whole number from `min`. Throws ERR_USAGE naming `source`. */
export function parseWhole(text: string, source: string, min: number): number {
  if (WHOLE.test(text) && Number(text) >= min) return Number(text);
  throw usageError(source, `${source}: '${text}' is not a whole number from ${min}`, 'Write digits only.');
}

/**
 * Milliseconds since 1970, from themselves, a date (its beginning in UTC), or a date and time with its zone: without
 * one, what is meant depends on the machine. Throws ERR_USAGE naming `source`.
 */
export function parseTime(text: string, source: string): number {
  return timeOf(text, source, 'Write 2026-03-01, 2026-03-01T12:00:00Z, or milliseconds since 1970.');
}

function timeOf(text: string, source: string, hint: string): number {
  if (WHOLE.test(text)) return Number(text);
  const at = ISO.test(text) && isCalendarDay(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw usageError(source, `${source}: '${text}' is not a time`, hint);
  if (DAY.test(text) || /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(11))) return at;
  throw usageError(
    source,
    `${source}: '${text}' is a time of no zone`,
    `Write ${text}Z for UTC, or the zone as +02:00 behind it.`,
  );
}

/**
 * The same, or how far from `now`, which is in milliseconds since 1970. Throws ERR_USAGE naming `source`.
 * @example parseMoment('6h', '--expires', Date.now())
 */
export function parseMoment(text: string, source: string, now: number): number {
  if (DURATION.test(text)) return now + parseDuration(text, source) * 1000;
  return timeOf(text, source, 'Write 2026-03-01T12:00:00Z, or how far ahead: 90s, 15m, 6h, 2d.');
}

/** When something is to be done: as `parseMoment`, but no bare date. Throws ERR_USAGE naming `source`. */
export function parseDue(text: string, source: string, now: number): number {
  const at = parseMoment(text, source, now);
  if (!DAY.test(text)) return at;
  const hint = `Write ${text}T12:00:00Z, or how far ahead: 6h, 2d.`;
  throw usageError(source, `${source}: '${text}' says no time of the day`, hint);
}

/** Seconds. Throws ERR_USAGE naming `source`. */
export function parseDuration(text: string, source: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count !== undefined) return Number(count) * UNITS_S[unit as keyof typeof UNITS_S];
  throw usageError(source, `${source}: '${text}' is no length of time`, 'Write 90s, 15m, 6h or 1d.');
}

/** `41:<64 hexadecimal digits>`, as `verify` prints a head. Throws ERR_USAGE. */
export function parseAnchor(text: string): { seq: number; hash: string } {
  const [, seq, hash] = ANCHOR.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw usageError('--anchor', `--anchor: '${text}' is not an anchor`, 'Give a head as verify prints it: seq:hash.');
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw usageError(pair, `'${pair}' is not of the form field=value`, 'Write rows=50, or features.debug=true.');
}

/** What JSON would make of it; everything else stays text. */
function parseValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return NUMBER.test(text) ? Number(text) : text;
}
