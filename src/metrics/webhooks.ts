/**
 * Events on their way to the servers that want to hear of them: signed, in order, tried again while a server does not
 * take them. Where they go is chosen by administrators; a redirect leads nowhere, and of an answer its status alone is
 * used. What waits is in memory alone: a restart forgets it.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { Figures } from './figures.ts';
import { signatureHeaders } from './webhook-signature.ts';

export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  /** `whsec_...` */
  readonly secret: string;
  /** Types of events that it wants, `alert.firing`; none: all. */
  readonly events: readonly string[];
}

export interface WebhookEvent {
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: unknown;
}

/** One attempt, or an event that was not tried. */
export interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly at: number;
  /** From 1; 0: not tried, because too many waited. */
  readonly attempt: number;
  readonly outcome: 'delivered' | 'retried' | 'failed' | 'dropped';
  /** null: no answer. */
  readonly status: number | null;
  /** What went wrong, in words; null: nothing. */
  readonly fault: string | null;
  readonly duration_ms: number;
}

/** As `fetch`, of what deliveries need. */
export type Send = (
  url: string,
  init: { method: 'POST'; headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<Response>;

export interface WebhookOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Resolves after so many milliseconds, or as soon as the signal says so. */
  readonly wait: (duration_ms: number, signal: AbortSignal) => Promise<void>;
  readonly figures: Figures['webhooks'];
  /** Follows no redirect. Default: a plain request. */
  readonly send?: Send;
  readonly timeout_ms?: number;
}

export const ATTEMPTS_MAX = 8;
const TIMEOUT_MS = 10_000;
const DELAY_MIN_MS = 1000;
const DELAY_MAX_MS = 300_000;
const DELAY_FACTOR = 4;
const QUEUE_MAX = 100;
const DELIVERIES_MAX = 100;
const URL_MAX = 2000;
/** The receiver wants no more of these: it is not asked again. */
const GONE = 410;

interface Waiting {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #lines = new Map<string, Line>();

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Who hears of events from now on. A target that is no longer named is told nothing more, also not what waits. */
  setTargets(targets: readonly WebhookTarget[]): void {
    for (const [name, line] of this.#lines) {
      if (targets.some((target) => target.name === name)) continue;
      void line.close();
      this.#lines.delete(name);
    }
    for (const target of targets) {
      const line = this.#lines.get(target.name);
      if (line === undefined) this.#lines.set(target.name, new Line(target, this.#options));
      else line.target = target;
    }
  }

  /** To every target that wants events of this type. Returns at once. */
  send(event: WebhookEvent): void {
    for (const line of this.#lines.values()) {
      if (line.target.events.length === 0 || line.target.events.includes(event.type)) line.add(event);
    }
  }

  /** To one target, whatever it wants: to try it. Returns the delivery's id. Throws ERR_NOT_FOUND. */
  sendTo(name: string, event: WebhookEvent): string {
    return this.#lineOf(name).add(event);
  }

  /** The last 100 of a target, newest first. Throws ERR_NOT_FOUND. */
  deliveries(name: string): readonly Delivery[] {
    return this.#lineOf(name).deliveries.toReversed();
  }

  /** Ends what is under way and forgets what waits. */
  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.close()));
    this.#lines.clear();
  }

  #lineOf(name: string): Line {
    const line = this.#lines.get(name);
    if (line !== undefined) return line;
    throw new ConfigError('ERR_NOT_FOUND', {
      message: `There is no webhook ${JSON.stringify(name.slice(0, 80))}`,
      hint: 'Use the name of one that was made.',
      details: { what: name },
    });
  }
}

/** What one target is told, one after another: it hears that an alert fires before it hears that it is over. */
class Line {
  target: WebhookTarget;
  readonly deliveries: Delivery[] = [];
  readonly #options: WebhookOptions;
  readonly #closing = new AbortController();
  readonly #waiting: Waiting[] = [];
  #underWay: Promise<void> | null = null;

  constructor(target: WebhookTarget, options: WebhookOptions) {
    this.target = target;
    this.#options = options;
  }

  add({ type, at, data }: WebhookEvent): string {
    const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
    const waiting = { id: `msg_${crypto.randomUUID().replaceAll('-', '')}`, type, body };
    if (this.#waiting.length >= QUEUE_MAX) {
      this.#report(waiting, 0, 'dropped', { status: null, fault: `${QUEUE_MAX} events wait already`, duration_ms: 0 });
    } else {
      this.#waiting.push(waiting);
      this.#underWay ??= this.#deliverAll();
    }
    return waiting.id;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiting.length = 0;
    await this.#underWay;
  }

  async #deliverAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await this.#deliver(next);
    this.#underWay = null;
  }

  async #deliver(waiting: Waiting): Promise<void> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      const answer = await this.#attempt(waiting);
      const isLast = attempt >= ATTEMPTS_MAX || answer.status === GONE || this.#closing.signal.aborted;
      const outcome = answer.fault === null ? 'delivered' : isLast ? 'failed' : 'retried';
      this.#report(waiting, attempt, outcome, answer);
      if (outcome !== 'retried') return;
      await this.#options.wait(delayOf(attempt, this.#options.random()), this.#closing.signal);
    }
  }

  async #attempt({ id, body }: Waiting): Promise<Pick<Delivery, 'status' | 'fault' | 'duration_ms'>> {
    const { now, timeout_ms = TIMEOUT_MS } = this.#options;
    const { url, secret } = this.target;
    const started = performance.now();
    const ended = (status: number | null, fault: string | null) => ({
      status,
      fault,
      duration_ms: performance.now() - started,
    });
    try {
      const { status, body: rest } = await (this.#options.send ?? plainly)(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': '13byte-config',
          ...signatureHeaders(secret, id, Math.floor(now() / 1000), body),
        },
        body,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeout_ms)]),
      });
      await rest?.cancel();
      return ended(status, status >= 200 && status < 300 ? null : `answered ${status}`);
    } catch (error) {
      return ended(null, faultOf(error, timeout_ms));
    }
  }

  #report(
    { id, type }: Waiting,
    attempt: number,
    outcome: Delivery['outcome'],
    answer: Pick<Delivery, 'status' | 'fault' | 'duration_ms'>,
  ): void {
    this.#options.figures[outcome].add();
    this.deliveries.push({ id, type, at: this.#options.now(), attempt, outcome, ...answer });
    if (this.deliveries.length > DELIVERIES_MAX) this.deliveries.shift();
  }
}

/** Before the attempt after this one: 1 s, 4 s, 16 s ... at most 5 min, and of that between half and all. */
export function delayOf(attempt: number, random: number): number {
  const delay_ms = Math.min(DELAY_MIN_MS * DELAY_FACTOR ** (attempt - 1), DELAY_MAX_MS);
  return delay_ms * (0.5 + random / 2);
}

/** `wait` with the timers of the process, which it does not keep alive. */
export async function waitInProcess(duration_ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, duration_ms);
  timer.unref();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) resolve();
  await promise;
  signal.removeEventListener('abort', onAbort);
  clearTimeout(timer);
}

/**
 * Where events may be sent: http or https, without a name and password in it (they would be written down with it).
 * Throws ERR_WRONG_TYPE.
 */
export function parseWebhookUrl(text: unknown): string {
  const url = typeof text === 'string' && text.length <= URL_MAX && URL.canParse(text) ? new URL(text) : null;
  const isTaken = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (isTaken) return url.href;
  const expected = 'an http or https URL without a user in it';
  throw new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid url: must be ${expected}`,
    hint: 'Set it to the address that takes the events.',
    details: { field: 'url', expected, found: typeof text },
  });
}

const plainly: Send = (url, init) => fetch(url, { ...init, redirect: 'manual' });

function faultOf(error: unknown, timeout_ms: number): string {
  if (isConfigError(error)) return error.message.slice(0, 200);
  const { name, code, message } = error as { name?: string; code?: unknown; message?: string };
  if (name === 'TimeoutError') return `no answer within ${timeout_ms} ms`;
  if (name === 'AbortError') return 'the registry stopped';
  return typeof code === 'string' ? code : String(message).slice(0, 200);
}
