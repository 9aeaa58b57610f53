/**
 * One question to an uplink, and what makes it bearable: attempts with rests between them, a limit of time, redirects
 * that leak nothing, and a circuit that leaves it alone while it is down. Knows nothing of packages; keeps no answer.
 * @module
 */
import { isConfigError } from '../../errors/errors.ts';
import type { Passing, Send, Tell } from './answers.ts';
import { Circuit } from './circuit.ts';
import { Silence } from './silence.ts';
import { uplinkError, type Reachable } from './uplink.ts';

const REST_MIN_MS = 200;
const REST_MAX_MS = 10_000;
/** Longer than that nobody waits for one who asks for patience. */
const PATIENCE_MAX_MS = 30_000;
const REDIRECTS_MAX = 5;
/** Some registries search for npm's clients alone. */
const USER_AGENT = '13byte-config npm/11';

export interface Question {
  readonly uplink: Reachable;
  readonly url: string;
  /** The package, for messages; '': it is about none. */
  readonly about: string;
  readonly accept: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. With it, the question is a POST. */
  readonly body?: string;
  /** Default: what the uplink says. */
  readonly timeout_ms?: number;
  readonly retries?: number;
}

/** An answer whose body was not read yet. Whoever has it lets it end: `silence.end()`. */
export interface Asked {
  readonly response: Response;
  /** Ends the answer when nothing comes for too long. */
  readonly silence: Silence;
}

export interface AskerOptions extends Passing {
  readonly send: Send;
  readonly tell: Tell;
}

/** What goes wrong by itself, and may go right by itself. */
class Failure extends Error {
  readonly rest_ms: number | null;

  constructor(fault: string, rest_ms: number | null, cause?: unknown) {
    super(fault, { cause });
    this.rest_ms = rest_ms;
  }
}

export class Asker {
  readonly #options: AskerOptions;
  readonly #circuits = new Map<string, Circuit>();

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  /**
   * The answer: 200, 304, or 4xx but 401, 403 and 429. Errors: ERR_UPLINK, when it cannot be had.
   */
  async ask(question: Question): Promise<Asked> {
    const { uplink, about, retries = uplink.retries } = question;
    const circuit = this.#circuitOf(uplink);
    for (let attempt = 0; ; attempt++) {
      if (!circuit.enter()) throw uplinkError(uplink.name, about, `it failed too often, and rests ${circuit.rest_s} s`);
      try {
        const asked = await this.#attempt(question);
        circuit.succeeded();
        return asked;
      } catch (error) {
        if (!(error instanceof Failure)) {
          circuit.succeeded();
          throw error;
        }
        circuit.failed();
        this.#options.tell('an uplink failed', { uplink: uplink.name, package: about, fault: error.message, attempt });
        const rest_ms = error.rest_ms ?? this.#rest(attempt);
        if (attempt >= retries || rest_ms > PATIENCE_MAX_MS) {
          throw uplinkError(uplink.name, about, error.message, error.cause);
        }
        await this.#options.wait(rest_ms, new AbortController().signal);
      }
    }
  }

  /** Asks nothing: seconds that an uplink is left alone. */
  rest_s(uplink: Pick<Reachable, 'name' | 'url'>): number {
    return this.#circuitOf(uplink).rest_s;
  }

  async #attempt(question: Question): Promise<Asked> {
    const { uplink, about, timeout_ms = uplink.timeout_ms } = question;
    const silence = new Silence(timeout_ms, this.#options.wait);
    try {
      const response = await this.#followed(question, silence);
      const { status } = response;
      if (
        status === 200 ||
        status === 304 ||
        (status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status))
      ) {
        return { response, silence };
      }
      await response.body?.cancel();
      if (status === 401 || status === 403) throw uplinkError(uplink.name, about, `it refuses us (${status})`);
      if (status < 500 && status !== 429 && status !== 408)
        throw uplinkError(uplink.name, about, `it answered ${status}`);
      throw new Failure(`it answered ${status}`, retryAfter(response, this.#options.now()));
    } catch (error) {
      silence.end();
      throw error;
    }
  }

  async #followed(question: Question, silence: Silence): Promise<Response> {
    const { uplink, about, body } = question;
    let url = new URL(question.url);
    let isOwn = true;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      isOwn &&= url.origin === new URL(uplink.url).origin;
      const response = await this.#sent(question, url, isOwn, silence);
      if (response.status < 300 || response.status > 399 || response.status === 304) return response;
      await response.body?.cancel();
      if (body !== undefined) throw uplinkError(uplink.name, about, `it answered ${response.status} to what was sent`);
      url = this.#target(question, url, response.headers.get('location'));
    }
    throw uplinkError(uplink.name, about, `it redirects more than ${REDIRECTS_MAX} times`);
  }

  #target({ uplink, about }: Question, from: URL, location: string | null): URL {
    const to = location !== null && URL.canParse(location, from) ? new URL(location, from) : null;
    if (to === null || !/^https?:$/.test(to.protocol)) throw uplinkError(uplink.name, about, 'it redirects to nowhere');
    if (from.protocol === 'https:' && to.protocol === 'http:') {
      throw uplinkError(uplink.name, about, 'it redirects from https to http');
    }
    return to;
  }

  /** Credentials go to the uplink's own origin, and once it has sent us away, nowhere. */
  async #sent(
    { uplink, accept, headers, body }: Question,
    url: URL,
    isOwn: boolean,
    silence: Silence,
  ): Promise<Response> {
    const { authorization } = uplink;
    try {
      return await silence.within(
        this.#options.send(url.href, {
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            accept,
            'user-agent': USER_AGENT,
            ...headers,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(isOwn && authorization !== null ? { authorization } : {}),
          },
          ...(body === undefined ? {} : { body }),
          redirect: 'manual',
          signal: silence.signal,
        }),
      );
    } catch (error) {
      if (silence.isOver) throw new Failure(`no answer within ${silence.limit_ms} ms`, null);
      throw new Failure(faultOf(error), null, error);
    }
  }

  /** Twice as long each time; of that between half and all, so that many who wait do not come at once. */
  #rest(attempt: number): number {
    return Math.min(REST_MIN_MS * 2 ** attempt, REST_MAX_MS) * (0.5 + this.#options.random() / 2);
  }

  #circuitOf({ name, url }: Pick<Reachable, 'name' | 'url'>): Circuit {
    const key = `${name} ${url}`;
    const circuit = this.#circuits.get(key) ?? new Circuit(this.#options.now);
    this.#circuits.set(key, circuit);
    return circuit;
  }
}

/** Milliseconds that `Retry-After` asks for; null: it says nothing. */
function retryAfter({ headers }: Response, now: number): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function faultOf(error: unknown): string {
  if (isConfigError(error)) return `it cannot be reached (${error.message.slice(0, 200)})`;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `it cannot be reached (${code})` : 'it cannot be reached';
}
