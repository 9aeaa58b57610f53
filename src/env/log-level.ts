/** How much is written into the log, by name. @module */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What is less than this is left out. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** null when the text names none. */
export function parseLogLevel(text: string): LogLevel | null {
  return LOG_LEVELS.find((level) => level === text) ?? null;
}
