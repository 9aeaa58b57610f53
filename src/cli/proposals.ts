/** Changes that are asked for instead of made: how commands send them, and what is said of them. @module */
import { type Command } from 'commander';
import { openClient } from './open-target.ts';
import type { Answer } from './printer.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Session } from './session.ts';
import { clean, type Style, timeText } from './text.ts';
import { parseDue } from './values.ts';
import type { RequestView } from '../registry/routes/v1/change-request-shapes.ts';

export const REQUESTS_PATH = '/api/v1/change-requests';

/** What makes a request of a change. */
export interface Asking {
  readonly propose?: boolean;
  /** Milliseconds since 1970. */
  readonly at?: number;
}

/** The options of a command whose change can be asked for. */
export function asking(command: Command): Command {
  return command
    .option('--propose', 'ask for it: somebody else has to approve it first')
    .option('--at <time>', 'not now: at a time, or 6h, 2d from now', (text) => parseDue(text, '--at', Date.now()));
}

export function isAsked({ propose, at }: Asking): boolean {
  return propose === true || at !== undefined;
}

/** Sends a request as `POST /change-requests` takes it; what is undefined is not sent. */
export async function propose(session: Session, body: Readonly<Record<string, unknown>>): Promise<Answer> {
  const client = await clientOf(session);
  return told(await client.json<RequestView>(REQUESTS_PATH, { method: 'POST', body }));
}

/** Where a request is now. */
export function told(view: RequestView): Answer {
  const when = view.due === null ? '' : `, due ${timeText(view.due)}`;
  const text = (style: Style): string => `${style.green(view.state)} ${clean(`request ${view.id}${when}`)}`;
  return { data: view, text };
}

export function clientOf(session: Session): Promise<RegistryClient> {
  return openClient(session.options, session.interrupt.signal);
}
