/**
 * Pages of other origins: which answers they may read. Said of a route as data, for those routes alone, and never with
 * credentials: what a browser adds by itself (cookies) opens nothing here, so a page has to show a token of its own.
 * @module
 */
import type { Next } from 'hono';
import type { RegistryContext } from './context.ts';
import type { Route } from './route.ts';

const ALLOWED_HEADERS = 'Authorization, X-API-Key, Content-Type, If-None-Match, Last-Event-ID';
const EXPOSED_HEADERS = 'ETag, Retry-After';
/** Browsers remember it for at most two hours, whatever is said. */
const MAX_AGE_S = 7200;
/** What stands for all origins. */
const ANY_ORIGIN = '*';

/**
 * @example
 * const cors = new Cors(['https://shop.example'], routes);
 * app.use((c, next) => cors.around(c, next));
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;
  readonly #isAny: boolean;
  /** Methods by the pattern of a path. */
  readonly #open: readonly { readonly path: RegExp; readonly methods: readonly string[] }[];

  /** `origins` may hold `*`; empty: none. */
  constructor(origins: readonly string[], routes: readonly Pick<Route, 'path' | 'method' | 'cors'>[]) {
    this.#origins = new Set(origins);
    this.#isAny = this.#origins.has(ANY_ORIGIN);
    const open = Map.groupBy(
      routes.filter(({ cors }) => cors === true),
      ({ path }) => path,
    );
    this.#open = [...open].map(([path, some]) => {
      const methods = [...some.map(({ method }) => method.toUpperCase()), 'OPTIONS'];
      return { path: new RegExp(`^${path.replace(/:[a-zA-Z]+/g, '[^/]+')}$`), methods };
    });
  }

  /** Answers what a browser asks beforehand, without asking who it is; puts on every other answer who may read it. */
  async around(c: RegistryContext, next: Next): Promise<Response | void> {
    const found = this.#open.find(({ path }) => path.test(c.req.path));
    if (found === undefined) return await next();
    const { headers: asked, method } = c.req.raw;
    if (method !== 'OPTIONS') {
      await next();
      if (found.methods.includes(method === 'HEAD' ? 'GET' : method)) this.allow(asked, c.res.headers);
      return;
    }
    const methods = found.methods.join(', ');
    const headers = new Headers({ allow: methods });
    this.allow(asked, headers);
    if (headers.has('access-control-allow-origin')) {
      headers.set('access-control-allow-methods', methods);
      headers.set('access-control-allow-headers', ALLOWED_HEADERS);
      headers.set('access-control-max-age', String(MAX_AGE_S));
    }
    return new Response(null, { status: 204, headers });
  }

  /** Says on an answer who may read it. Whoever is known by a cookie is on a page of ours, which needs no leave. */
  allow(asked: Headers, answer: Headers): void {
    addVary(answer);
    const origin = asked.get('origin');
    if (origin === null || isKnownByCookie(asked) || !(this.#isAny || this.#origins.has(origin))) return;
    answer.set('access-control-allow-origin', this.#isAny ? ANY_ORIGIN : origin);
    answer.set('access-control-expose-headers', EXPOSED_HEADERS);
  }
}

function isKnownByCookie(headers: Headers): boolean {
  return headers.has('cookie') && !headers.has('authorization') && !headers.has('x-api-key');
}

function addVary(headers: Headers): void {
  const vary = headers.get('vary');
  if (vary === null || !/(?:^|,)\s*origin\s*(?:,|$)/i.test(vary)) headers.append('vary', 'Origin');
}
