/** Days that exist: the engine's own parser makes the second of March out of the 30th of February. @module */

/**
 * Whether a text that begins with `YYYY-MM-DD` begins with a day of the calendar.
 * @example isCalendarDay('2026-02-30T12:00:00Z') // false
 */
export function isCalendarDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number);
  const date = new Date(Date.UTC(year!, month! - 1, day));
  return date.getUTCMonth() === month! - 1 && date.getUTCDate() === day;
}
