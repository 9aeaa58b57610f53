/** What a client sends, parsed: the subprotocols it offers, and its JSON. Knows no connection. @module */
import { ConfigError } from '../errors/errors.ts';
import { SUBPROTOCOL, TOKEN_PROTOCOL, type ClientMessage } from './subprotocol.ts';

/** Characters; what clients have to say is far shorter. */
const MESSAGE_LENGTH_MAX = 4096;

/**
 * Of what `Sec-WebSocket-Protocol` offers, the one that is spoken; null: nothing is offered. Throws ERR_STREAM where
 * nothing of what is offered is spoken here.
 */
export function selectProtocol(header: string | null): typeof SUBPROTOCOL | null {
  if (header === null) return null;
  if (offeredIn(header).includes(SUBPROTOCOL)) return SUBPROTOCOL;
  throw new ConfigError('ERR_STREAM', {
    message: `None of the subprotocols that the client offers is ${SUBPROTOCOL}`,
    hint: `Offer '${SUBPROTOCOL}', and beside it '${TOKEN_PROTOCOL}<token>' where no header can be set.`,
    details: { fault: 'subprotocol' },
  });
}

/** The token among what is offered, '' where there is none. */
export function tokenOf(header: string): string {
  const offered = offeredIn(header).find((protocol) => protocol.startsWith(TOKEN_PROTOCOL));
  return offered?.slice(TOKEN_PROTOCOL.length) ?? '';
}

function offeredIn(header: string): string[] {
  return header.split(',').map((protocol) => protocol.trim());
}

/** Throws ERR_STREAM naming the fault: `length`, `json`, `type` or `revision`. */
export function parseClientMessage(text: string): ClientMessage {
  if (text.length > MESSAGE_LENGTH_MAX) {
    throw bad('length', `is longer than ${MESSAGE_LENGTH_MAX} characters`);
  }
  const { type, ...rest } = objectOf(text);
  const isBare = Object.keys(rest).length === 0;
  if ((type === 'ping' || type === 'snapshot') && isBare) return { type };
  if (type !== 'resume') throw bad('type', 'is none of resume, snapshot and ping, or says more than they take');
  const { revision, ...more } = rest;
  if (Object.keys(more).length === 0 && isRevision(revision)) return { type, revision };
  throw bad('revision', 'needs a revision, a whole number from 0, and nothing else');
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  } catch (error) {
    // A RangeError is the stack's: nested deeper than any message is.
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
  }
  throw bad('json', 'is no JSON object');
}

function bad(fault: string, what: string): ConfigError<'ERR_STREAM'> {
  return new ConfigError('ERR_STREAM', {
    message: `The message ${what}`,
    hint: 'Send {"type":"resume","revision":<number>}, {"type":"snapshot"} or {"type":"ping"}.',
    details: { fault },
  });
}
