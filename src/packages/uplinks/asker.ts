/**
 * One question to an uplink, and what makes it bearable: attempts with rests between them, a limit of time, redirects
 * that leak nothing, and a circuit that leaves it alone while it is down. Where it leads to somebody else, what fails
 * there is not its fault. Knows nothing of packages; keeps no answer.
 * @module
 */
import type { Passing, Send, Tell } from './answers.ts';
import { Circuit } from './circuit.ts';
import { Failure, faultOf, isPrivate, retryAfter } from './failure.ts';
import { isBelow } from './own-place.ts';
import { Silence, STOPPING } from './silence.ts';
import { uplinkError, type Reachable } from './uplink.ts';

const REST_MIN_MS = 200;
const REST_MAX_MS = 10_000;
/** Longer than that nobody waits for one who asks for patience. */
const PATIENCE_MAX_MS = 30_000;
/** Of all attempts: clients give up soon after. One attempt may take longer, if the uplink is declared so. */
const QUESTION_MS = 20_000;
const REDIRECTS_MAX = 5;
/** Of servers that answer; whom documents lead to, strangers say. */
const CIRCUITS_MAX = 1000;
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
  /** Whether somebody waits for as long as all attempts take. */
  readonly isPatient?: boolean;
}

/** An answer whose body was not read yet. Whoever has it lets it end: `silence.end()`. */
export interface Asked {
  readonly response: Response;
  /** Ends the answer when nothing comes for too long. */
  readonly silence: Silence;
  /** Whether it came from below the uplink's own address, and was led nowhere else. */
  readonly isOwn: boolean;
}

export interface AskerOptions extends Passing {
  readonly send: Send;
  readonly tell: Tell;
  /** Aborted when the registry stops: whatever is under way ends, and nothing is asked any more. */
  readonly closing: AbortSignal;
}

/** Where a question ended. */
interface Reached {
  readonly response: Response;
  readonly url: URL;
  readonly isOwn: boolean;
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
    const { closing, now } = this.#options;
    const until = now() + limitOf(question);
    const { origin } = new URL(question.url);
    const circuit = this.#circuitOf(uplink, origin);
    for (let attempt = 0; ; attempt++) {
      if (closing.aborted) throw uplinkError(uplink.name, about, STOPPING);
      if (!circuit.enter()) throw uplinkError(uplink.name, about, `it failed too often, and rests ${circuit.rest_s} s`);
      try {
        const asked = await this.#attempt(question, until - now());
        circuit.succeeded();
        return asked;
      } catch (error) {
        if (!(error instanceof Failure) || closing.aborted) {
          circuit.succeeded();
          throw error instanceof Failure ? uplinkError(uplink.name, about, STOPPING) : error;
        }
        if (error.origin === origin) circuit.failed(about.replace(/(?!^)@.*$/, ''));
        else circuit.succeeded();
        this.#options.tell('an uplink failed', { uplink: uplink.name, package: about, fault: error.message, attempt });
        const rest_ms = error.rest_ms ?? this.#rest(attempt);
        if (attempt >= retries || rest_ms > PATIENCE_MAX_MS || now() + rest_ms >= until) {
          throw uplinkError(uplink.name, about, error.message, error.cause);
        }
        await this.#options.wait(rest_ms, closing);
      }
    }
  }

  /** Asks nothing: seconds that an uplink is left alone. */
  rest_s(uplink: Pick<Reachable, 'name' | 'url'>): number {
    return this.#circuitOf(uplink).rest_s;
  }

  async #attempt(question: Question, left_ms: number): Promise<Asked> {
    const { uplink, about, timeout_ms = uplink.timeout_ms } = question;
    const silence = new Silence(Math.min(timeout_ms, left_ms), this.#options.wait, this.#options.closing);
    try {
      const { response, url, isOwn } = await this.#followed(question, silence);
      const { status } = response;
      if (
        status === 200 ||
        status === 304 ||
        (status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status))
      ) {
        return { response, silence, isOwn };
      }
      await response.body?.cancel();
      if (status === 401 || status === 403) throw uplinkError(uplink.name, about, `it refuses us (${status})`);
      if (status < 500 && status !== 429 && status !== 408)
        throw uplinkError(uplink.name, about, `it answered ${status}`);
      throw new Failure(`it answered ${status}`, url, retryAfter(response, this.#options.now()));
    } catch (error) {
      silence.end();
      throw error;
    }
  }

  async #followed(question: Question, silence: Silence): Promise<Reached> {
    const { uplink, about, body } = question;
    let url = new URL(question.url);
    let isOwn = true;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      isOwn &&= isBelow(uplink.url, url);
      const response = await this.#sent(question, url, isOwn, silence);
      if (response.status < 300 || response.status > 399 || response.status === 304) {
        return { response, url, isOwn };
      }
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

  /** Credentials go to the uplink's own place, and once it has sent us away, nowhere. */
  async #sent(
    { uplink, about, accept, headers, body }: Question,
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
          namedBy: url.origin === new URL(uplink.url).origin ? null : uplink.url,
          signal: silence.signal,
        }),
      );
    } catch (error) {
      if (isPrivate(error)) throw uplinkError(uplink.name, about, 'it leads into a private network', error);
      throw new Failure(silence.fault(`no answer within ${silence.limit_ms} ms`, faultOf(error)), url, null, error);
    }
  }

  /** Twice as long each time; of that between half and all, so that many who wait do not come at once. */
  #rest(attempt: number): number {
    return Math.min(REST_MIN_MS * 2 ** attempt, REST_MAX_MS) * (0.5 + this.#options.random() / 2);
  }

  /** The one that was looked at longest ago goes first. */
  #circuitOf({ name, url }: Pick<Reachable, 'name' | 'url'>, origin = new URL(url).origin): Circuit {
    const key = `${name} ${url} ${origin}`;
    const circuit = this.#circuits.get(key) ?? new Circuit(this.#options.now);
    this.#circuits.delete(key);
    const [oldest] = this.#circuits.size < CIRCUITS_MAX ? [] : this.#circuits.keys();
    if (oldest !== undefined) this.#circuits.delete(oldest);
    this.#circuits.set(key, circuit);
    return circuit;
  }
}

/** Milliseconds for all attempts, and for all of the answer. */
function limitOf({ uplink, timeout_ms = uplink.timeout_ms, isPatient = false }: Question): number {
  return isPatient ? Infinity : Math.max(QUESTION_MS, timeout_ms);
}
