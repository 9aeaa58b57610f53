/** What goes wrong with a question to an uplink, and what it says of when to ask again. @module */
import { isConfigError } from '../../errors/errors.ts';

/** What goes wrong by itself, and may go right by itself. */
export class Failure extends Error {
  readonly rest_ms: number | null;
  /** Of whoever answers, not of whom the uplink asked to go to instead. */
  readonly origin: string;

  constructor(fault: string, { origin }: URL, rest_ms: number | null, cause?: unknown) {
    super(fault, { cause });
    this.rest_ms = rest_ms;
    this.origin = origin;
  }
}

/** Milliseconds that `Retry-After` asks for; null: it says nothing. */
export function retryAfter({ headers }: Response, now: number): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** Whether somebody outside named what is inside. */
export function isPrivate(error: unknown): boolean {
  return isConfigError(error) && error.code === 'ERR_UPSTREAM' && error.details.fault === 'private';
}

export function faultOf(error: unknown): string {
  if (isConfigError(error)) return `it cannot be reached (${error.message.slice(0, 200)})`;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `it cannot be reached (${code})` : 'it cannot be reached';
}
