/**
 * `Idempotency-Key`: who repeats a write because he never saw its answer gets that answer, and nothing is done again.
 * An answer is kept for a day, for whoever asked, once the write is done. A registry that is killed between the two
 * keeps none, so that the write is done again: what must happen once at most says `If-Match` besides. Knows no route,
 * and keeps no answer that holds a secret.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { readBytes } from './body.ts';
import type { RegistryContext } from './context.ts';
import { patienceOf, type Route } from './route.ts';

const HEADER = 'idempotency-key';
const KEPT_MS = 24 * 60 * 60 * 1000;
const KEY = /^[\x21-\x7e]{1,200}$/;
/** What an answer says besides its body. */
const KEPT_HEADERS = ['content-type', 'etag', 'location'];
const REPLAYED = 'idempotency-replayed';
/** What a write depends on besides its body. */
const CONDITIONS = ['if-match', 'if-none-match'];

/** Where answers are kept: gone when they expire. */
export interface IdempotencyStore {
  get(key: string): string | null;
  /** `expiresAt` in milliseconds since 1970. */
  set(key: string, value: string, expiresAt: number): void;
}

interface Kept {
  /** Of the request. */
  readonly print: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whether a key means anything to a route. Read routes ignore it, as reads repeat themselves. */
export function takesKey(route: Route): boolean {
  return !isRead(route) && route.access !== 'public' && route.isSecret !== true && route.takesStream !== true;
}

function isRead({ method, isRead: repeatsItself }: Route): boolean {
  return method === 'get' || repeatsItself === true;
}

export class Idempotency {
  readonly #store: IdempotencyStore;
  readonly #onFailure: (error: unknown) => void;
  readonly #now: () => number;
  /** What is being done, by key: a second request with it waits. */
  readonly #running = new Map<string, { readonly print: string; readonly done: Promise<Kept | null> }>();

  /** `onFailure` is told of answers that could not be kept: they go out all the same, for what they say is done. */
  constructor(store: IdempotencyStore, onFailure: (error: unknown) => void, now: () => number = Date.now) {
    this.#store = store;
    this.#onFailure = onFailure;
    this.#now = now;
  }

  /**
   * What `answer` answers, which throws nothing, or what it has answered to the same request before. Errors:
   * ERR_IDEMPOTENCY for a malformed key, one that came with another request, and one that the route does not take.
   */
  async around(c: RegistryContext, route: Route, answer: () => Promise<Response>): Promise<Response> {
    const key = c.req.header(HEADER);
    if (key === undefined || isRead(route)) return await answer();
    if (!KEY.test(key)) throw refused('malformed', 'The Idempotency-Key is not 1 to 200 printable ASCII characters');
    if (!takesKey(route)) throw refused('secret', 'The answer of this request is not kept, so it takes no key');
    const print = await printOf(c, route);
    const id = `${c.get('principal').actor} ${key}`;
    for (let running = this.#running.get(id); running !== undefined; running = this.#running.get(id)) {
      if (running.print !== print) throw differs();
      const kept = await running.done;
      if (kept !== null) return replay(kept);
    }
    const known = this.#read(id);
    if (known !== null && known.print !== print) throw differs();
    return known === null ? await this.#run(id, print, answer) : replay(known);
  }

  async #run(id: string, print: string, answer: () => Promise<Response>): Promise<Response> {
    const { promise: done, resolve } = Promise.withResolvers<Kept | null>();
    this.#running.set(id, { print, done });
    let kept: Kept | null = null;
    try {
      const response = await answer();
      // What failed here and not there may be done the next time.
      if (response.status < 500) kept = await keptOf(print, response);
      if (kept !== null) this.#keep(id, kept);
      return response;
    } finally {
      this.#running.delete(id);
      resolve(kept);
    }
  }

  #keep(id: string, kept: Kept): void {
    try {
      this.#store.set(id, JSON.stringify(kept), this.#now() + KEPT_MS);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #read(id: string): Kept | null {
    const text = this.#store.get(id);
    return text === null ? null : (JSON.parse(text) as Kept);
  }
}

/**
 * SHA-256 of everything that says what is asked for, and of what he may who asks: a right that only the body decides on
 * was asked for when it was done, and two tokens can have one name.
 */
async function printOf(c: RegistryContext, route: Route): Promise<string> {
  const { req, env } = c;
  const [, search = ''] = /^[^?#]*(\?[^#]*)/.exec(req.url) ?? [];
  const conditions = CONDITIONS.map((name) => req.header(name) ?? null);
  const { grants, scope, readOnly, isBrowser = false } = c.get('principal');
  const said = JSON.stringify([req.method, req.path, search, conditions, grants, scope, readOnly, isBrowser]);
  const hash = new Bun.CryptoHasher('sha256').update(said).update('\n');
  return hash.update(await readBytes(req.raw, { ...env, ...patienceOf(route) })).digest('hex');
}

async function keptOf(print: string, response: Response): Promise<Kept> {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const body = await response.clone().text();
  return { print, status: response.status, headers: Object.fromEntries(headers), body };
}

function replay({ status, headers, body }: Kept): Response {
  return new Response(body === '' ? null : body, { status, headers: { ...headers, [REPLAYED]: 'true' } });
}

function differs(): ConfigError {
  return refused('reused', 'This Idempotency-Key came with another request before, or with other rights');
}

function refused(fault: 'malformed' | 'secret' | 'reused', message: string): ConfigError {
  const hint = fault === 'secret' ? 'Leave the header out.' : 'Use a new key for each change, such as a random UUID.';
  return new ConfigError('ERR_IDEMPOTENCY', { message, hint, details: { fault } });
}
