/** What a stream tells of when it cannot go on, and how it learns why it is not let in. @module */
import { ConfigError, configErrorFrom, type AnyConfigError, type ErrorCode } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import type { ServerMessage } from '../websocket/subprotocol.ts';

/** What a stream is of, and who asks for it. */
export interface StreamAddress {
  /** Of the registry: `https://config.example`. */
  readonly url: string;
  /** Of the config: `checkout/production`. */
  readonly name: string;
  /** Left out: none, where nobody needs one. */
  readonly token?: string | undefined;
}

const ANSWER_MAX_MS = 5000;

/**
 * Why a stream did not open. A WebSocket keeps the answer to itself: the config is asked for over HTTP, which needs the
 * same right. ERR_REGISTRY_UNREACHABLE: nobody answers; ERR_STREAM: it would be let in, and is not; others: the
 * registry's own.
 */
export async function whyNotOpen(address: StreamAddress, ended: AbortSignal): Promise<AnyConfigError> {
  const { url, name, token } = address;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const signal = AbortSignal.any([ended, AbortSignal.timeout(ANSWER_MAX_MS)]);
  try {
    const path = `/api/v1/configs/${encodeURIComponent(name)}`;
    const answer = await fetch(new URL(path, url), { headers, signal, redirect: 'error' });
    return problemOf(await answer.text()) ?? notLetThrough(address, answer.status);
  } catch (cause) {
    return new ConfigError('ERR_REGISTRY_UNREACHABLE', {
      message: `The stream of '${name}' does not open: no registry answers at ${url}`,
      hint: 'It is tried again. A page of another origin needs its origin in the registry’s C13_CORS_ORIGINS.',
      details: { url },
      cause,
    }) as AnyConfigError;
  }
}

/** null: it is no problem of the registry's. */
function problemOf(text: string): AnyConfigError | null {
  const problem = parsed(text);
  if (typeof problem !== 'object' || problem === null) return null;
  const { code, detail, hint, details } = problem as Readonly<Record<string, unknown>>;
  if (typeof code !== 'string' || typeof detail !== 'string' || typeof hint !== 'string') return null;
  return configErrorFrom({ code: code as ErrorCode, message: detail, hint, details: (details ?? {}) as never });
}

/** null: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function notLetThrough({ name, url }: StreamAddress, status: number): AnyConfigError {
  return new ConfigError('ERR_STREAM', {
    message: `The stream of '${name}' does not open, although ${url} answers (${status})`,
    hint: 'It is tried again. What stands between must hand on Upgrade and Connection; or too many streams are open.',
    details: { fault: 'handshake' },
  }) as AnyConfigError;
}

/** What the registry said on the stream. */
export function refused({ code, message, hint }: ServerMessage & { type: 'error' }): AnyConfigError {
  return new ConfigError(code, { message, hint, details: {} as never }) as AnyConfigError;
}

export function credentials(reason: string): AnyConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: `The registry has closed the stream: ${reason}`,
    hint: 'Open another one with a token that is good.',
    details: { why: 'closed' },
  }) as AnyConfigError;
}

export function closedBefore(name: string): ConfigError<'ERR_CLOSED'> {
  return new ConfigError('ERR_CLOSED', {
    message: `The stream of '${name}' was closed before the config was known`,
    hint: 'Open another one.',
    details: { what: 'stream' },
  });
}

export function needsWebSocket(): ConfigError<'ERR_UNSUPPORTED'> {
  return new ConfigError('ERR_UNSUPPORTED', {
    message: 'There is no WebSocket here, which a stream needs',
    hint: 'Use Node 22 or newer, Bun, or a browser.',
    details: { what: 'WebSocket', platform: 'this runtime' },
  });
}

export function unknownFeature(feature: string, known: readonly string[]): ConfigError<'ERR_UNKNOWN_FEATURE'> {
  const suggestion = nearest(feature.slice(0, 80), known);
  return new ConfigError('ERR_UNKNOWN_FEATURE', {
    message: `Unknown feature: ${feature.slice(0, 80)}. Available: ${known.join(', ')}`,
    hint: suggestion === null ? 'Declare it in the registry: c13 feature declare.' : `Did you mean '${suggestion}'?`,
    details: { feature, known, nearest: suggestion },
  });
}
