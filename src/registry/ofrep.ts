/**
 * What OFREP 0.3.0 answers, as statuses and texts: one flag, or all of a config's, for a context. Everything is decided
 * here and nowhere else, so that every way to it answers the same. Must keep its answers within the protocol's shapes:
 * clients read them with no other eyes.
 * @module
 */
import type { Audience } from '../config/audience.ts';
import { ConfigError, isConfigError, type AnyConfigError } from '../errors/errors.ts';
import { parseContext, type EvaluationContext } from '../flags/context.ts';
import { isFailure } from '../flags/answers.ts';
import { plainTags } from '../http/compression.ts';
import type { ReadyFlags } from './evaluations.ts';

export interface OfrepAnswer {
  readonly status: 200 | 304 | 400 | 404 | 500;
  /** JSON; null with 304. */
  readonly text: string | null;
  readonly etag?: string;
  /** The rest of a body that is too large is never read. */
  readonly closes?: boolean;
}

/** Below this, encoding takes longer than sending. */
const SMALL_MAX_CHARACTERS = 16 * 1024;

/** Nobody in between may keep what was made for one person. */
const LARGE_HEADERS = {
  'cache-control': 'private, no-store',
  'content-type': 'application/json',
  vary: 'Authorization, X-API-Key, Origin',
} as const;

/** The same, of what is sent as it is: all that a plain answer has. */
export const SMALL_HEADERS = { ...LARGE_HEADERS, 'cache-control': 'private, no-store, no-transform' } as const;

/** Whether an answer has nothing of its own to say but its text. */
export function isPlain({ text, etag, closes }: OfrepAnswer): boolean {
  return text !== null && text.length < SMALL_MAX_CHARACTERS && etag === undefined && closes !== true;
}

/** The answer with its headers; those that every answer of the registry has are put on by whoever sends it. */
export function setOfrepHeaders(headers: Headers, { text, etag, closes }: OfrepAnswer): void {
  const isSmall = text !== null && text.length < SMALL_MAX_CHARACTERS;
  for (const [name, value] of Object.entries(isSmall ? SMALL_HEADERS : LARGE_HEADERS)) headers.set(name, value);
  if (text === null) headers.delete('content-type');
  if (etag !== undefined) headers.set('etag', etag);
  if (closes === true) headers.set('connection', 'close');
}

export interface OfrepOptions {
  /** A keyed hash of text. */
  readonly hash: (text: string) => string;
  readonly figures: { readonly flagsEvaluated: { value: number } };
  /** Hears of flags that were asked for, and are there; must not throw. */
  readonly evaluated: (config: string, key: string) => void;
}

/** Whoever asks for all flags. */
export interface BulkAsked {
  readonly audience: Audience;
  /** `If-None-Match`, if sent. */
  readonly known: string | null;
  /** `eventStreams` of the answer, as JSON; the same as long as it is good. */
  readonly streams: string;
}

/**
 * @example
 * const { status, text } = ofrep.one(flags, 'banner', bytes, 'all');
 * status; // 200
 */
export class Ofrep {
  readonly #options: OfrepOptions;

  constructor(options: OfrepOptions) {
    this.#options = options;
  }

  /** The answer for one flag; `bytes` is the body as it came. */
  one(flags: ReadyFlags, key: string, bytes: Uint8Array, audience: Audience): OfrepAnswer {
    let context: EvaluationContext;
    try {
      context = contextOf(bytes);
    } catch (error) {
      return refusal(key, error);
    }
    const { compiled, name } = flags;
    const evaluation = compiled.evaluate(key, context, audience);
    const text = compiled.json(evaluation);
    const isUnknown = isFailure(evaluation) && evaluation.errorCode === 'FLAG_NOT_FOUND';
    if (isUnknown) return { status: 404, text };
    this.#options.figures.flagsEvaluated.value++;
    this.#options.evaluated(name, key);
    return { status: isFailure(evaluation) ? 400 : 200, text };
  }

  /** The answer for all of them. One that fails is an item that says so. */
  all(flags: ReadyFlags, bytes: Uint8Array, { audience, known, streams }: BulkAsked): OfrepAnswer {
    let context: EvaluationContext;
    try {
      context = contextOf(bytes);
    } catch (error) {
      return refusal(null, error);
    }
    const { hash } = this.#options;
    const usesTime = flags.compiled.usesTime(audience);
    const asked = usesTime ? '' : hash(JSON.stringify([flags.version(audience), streams, canonical(context)]));
    if (!usesTime && isKnown(known, asked)) return this.#notModified(flags, audience, asked);
    const text = this.#allText(flags, context, audience, streams);
    const tag = usesTime ? hash(text) : asked;
    if (usesTime && isKnown(known, tag)) return { status: 304, text: null, etag: quoted(tag) };
    return { status: 200, text, etag: quoted(tag) };
  }

  /** Whoever has the answer already is served from it. */
  #notModified(flags: ReadyFlags, audience: Audience, tag: string): OfrepAnswer {
    for (const key of flags.compiled.keys(audience)) this.#options.evaluated(flags.name, key);
    return { status: 304, text: null, etag: quoted(tag) };
  }

  #allText({ name, compiled }: ReadyFlags, context: EvaluationContext, audience: Audience, streams: string): string {
    const { figures, evaluated } = this.#options;
    const keys = compiled.keys(audience);
    let text = '';
    for (const key of keys) {
      const item = compiled.json(compiled.evaluate(key, context, audience));
      text += text === '' ? item : `,${item}`;
      evaluated(name, key);
    }
    figures.flagsEvaluated.value += keys.length;
    return `{"flags":[${text}],"eventStreams":${streams}}`;
  }
}

/** An error as OFREP has it; whatever it is that has no place there is thrown on. */
export function refusal(key: string | null, error: unknown): OfrepAnswer {
  if (!isConfigError(error)) throw error;
  const { code } = error;
  if (code === 'ERR_CONTEXT') return failed(400, key, 'INVALID_CONTEXT', error.message);
  if (code === 'ERR_BODY_TOO_LARGE') {
    return { ...failed(400, key, 'INVALID_CONTEXT', `${error.message} (${code})`), closes: true };
  }
  if (code === 'ERR_NOT_FOUND') return failed(404, key, key === null ? 'GENERAL' : 'FLAG_NOT_FOUND', error.message);
  if (code === 'ERR_INTERNAL') return failed(500, key, 'GENERAL', error.message);
  throw error;
}

type FailedCode = 'INVALID_CONTEXT' | 'FLAG_NOT_FOUND' | 'GENERAL';

function failed(status: 400 | 404 | 500, key: string | null, errorCode: FailedCode, errorDetails: string): OfrepAnswer {
  return { status, text: JSON.stringify({ ...(key === null ? {} : { key }), errorCode, errorDetails }) };
}

/** The context of a body; none is an empty one, for clients send all of that. Throws ERR_CONTEXT. */
function contextOf(bytes: Uint8Array): EvaluationContext {
  if (bytes.length === 0) return parseContext(undefined);
  const body = parsed(bytes);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return parseContext(Object.hasOwn(body, 'context') ? (body as { context: unknown }).context : undefined);
  }
  throw invalid('the body is no object', 'Send {"context":{...}}.');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch (cause) {
    throw invalid('the body is not JSON', 'Send one JSON object in UTF-8.', cause);
  }
}

function invalid(fault: string, hint: string, cause?: unknown): AnyConfigError {
  return new ConfigError('ERR_CONTEXT', {
    message: `Invalid evaluation: ${fault}`,
    hint,
    details: { path: '', fault },
    cause,
  }) as AnyConfigError;
}

/** What tells a list from an object, where both are written as lists. */
const [LIST, OBJECT] = [0, 1];

/** The same text for the same value, in whatever order its properties came. */
function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return [LIST, ...value.map(canonical)];
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields).sort();
  return [OBJECT, ...keys.flatMap((key) => [key, canonical(fields[key])])];
}

function quoted(tag: string): string {
  return `"${tag}"`;
}

/** Of `If-None-Match`: several, weak ones and such without quotes count too; `*` says nothing of what is known. */
function isKnown(header: string | null, tag: string): boolean {
  if (header === null) return false;
  return plainTags(header)
    .split(',')
    .some((one) => one.trim().replace(/^W\//, '').replaceAll('"', '') === tag);
}
