/**
 * One route of the registry: what it is called, who may ask, what it takes and answers, and the few lines that do it.
 * Everything said of a route is data, so the server, the description for others and the walk over roles and routes are
 * three readers of one table. Must hold no rule of a single route.
 * @module
 */
import type { z } from 'zod';
import { ANONYMOUS, notForBrowsers, requireRight, type Action, type Principal } from '../auth/rights.ts';
import { ConfigError, type ErrorCode } from '../errors/errors.ts';
import { redactPath } from '../logging/redaction.ts';
import { FILE_BODY, type BodyPatience } from './body.ts';
import { isPackagePath, PACKAGE_PATH } from './npm/npm-paths.ts';
import { isConditional, noCondition } from './conditions.ts';
import type { RegistryApp, RegistryContext } from './context.ts';
import { parseBody, parseParams, parseQuery } from './parse.ts';

export type Shape = Record<string, z.ZodType>;
type Parsed<S extends Shape> = z.infer<z.ZodObject<S>>;

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** One right that a route asks for. */
export interface Need {
  readonly action: Action;
  /** `config:checkout/production`; what is not one thing's is `status:...`, `identity:...` and the like. */
  readonly stream: string;
}

/** What a route answers with one status; without a schema: no body, or text of the given type. */
export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Default `application/json`; several: one of them. */
  readonly contentType?: string | readonly string[];
}

type Writes = boolean | 'checked';
type OpenTo = 'public' | 'signed-in' | 'granted';

export interface Call<P extends Shape, Q extends Shape, B extends Shape> {
  readonly c: RegistryContext;
  readonly principal: Principal;
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly body: Parsed<B>;
}

export interface RouteDefinition<P extends Shape, Q extends Shape, B extends Shape> {
  readonly method: Method;
  /** As Hono writes it: `/api/v1/configs/:name`. */
  readonly path: string;
  readonly tag: string;
  /** What the description calls it, where its path has no words to make a name of. */
  readonly operationId?: string;
  /** One line; the rest goes into the description. */
  readonly summary: string;
  readonly description?: string;
  /**
   * Who may ask: anybody; whoever is signed in; whoever has been granted anything (what he sees is filtered); or who
   * has these rights. Without a body in sight: what depends on the body is asked for in `handle`.
   */
  readonly access: OpenTo | ((call: Pick<Call<P, Q, B>, 'params' | 'query'>) => readonly Need[]);
  /**
   * Whether somebody with a browser token is let in (he needs the rights besides): the answer must then hold nothing
   * that is not visible to clients. Everywhere else such a token is refused; where anybody may ask, it counts for
   * nothing.
   */
  readonly takesBrowser?: boolean;
  /**
   * Whether the token of a workflow is let in, which publishes one package and is no user: it publishes there, or reads
   * what publishing asks for.
   */
  readonly takesWorkflow?: boolean;
  readonly params?: P;
  readonly query?: Q;
  /** Whether parameters are let through that nobody has declared: those of strangers' protocols. */
  readonly takesAnyQuery?: boolean;
  /** An object with these fields alone. Left out: the route reads no body, or reads it itself. */
  readonly body?: B;
  /** What it takes, where it reads it itself: for the description alone. */
  readonly readsBody?: Shape;
  /** Whether its body holds a whole file, and may be as large and as long on its way. */
  readonly takesFile?: boolean;
  /**
   * Whether it reads its body as it comes, however large: nothing of it is kept, so that it takes no Idempotency-Key.
   */
  readonly takesStream?: boolean;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Besides those that every route can answer. */
  readonly errors?: readonly ErrorCode[];
  /** An example of a body, which the tests send. */
  readonly example?: unknown;
  /**
   * Whether it changes what `maintenance_mode` keeps as it is; `checked`: the change itself is asked. Default:
   * everything but `get`.
   */
  readonly writes?: Writes;
  /**
   * Whether it writes under If-Match and If-None-Match; a route that does not refuses them, for who sends one relies on
   * it, unless it answers 304: then it reads. Default: what is `checked`.
   */
  readonly conditional?: boolean;
  /** It changes nothing at all, though it is no GET: its answer is not kept, and a second one is made anew. */
  readonly isRead?: boolean;
  /** Its body or answer holds a secret: nothing of it is kept, not even a hash, so that it takes no Idempotency-Key. */
  readonly isSecret?: boolean;
  /**
   * It changes packages, or who may do what: whoever has a second factor and wants to be asked for it then shows a code
   * (`npm-otp`); `always`: whoever has one. Tokens that were made for programs are not asked. `itself`: it asks where
   * it knows more.
   */
  readonly asksCode?: boolean | 'always' | 'itself';
  /** Whether pages of other origins may read its answers, with a token of their own: see `cors.ts`. */
  readonly cors?: boolean;
  /** It may still change: there only while the registry's own feature `beta_feature` is on. */
  readonly isBeta?: boolean;
  readonly handle: (call: Call<P, Q, B>) => Response | Promise<Response>;
}

/** A route whose shapes nobody outside needs to know. */
export interface Route extends Omit<RouteDefinition<Shape, Shape, Shape>, 'access' | 'handle'> {
  readonly writes: Writes;
  readonly conditional: boolean;
  readonly takesBrowser: boolean;
  /** The rights that a request for these parameters needs. Tests walk it. */
  readonly access: OpenTo | ((call: { params: never; query: never }) => readonly Need[]);
  /** Lets a request in, or throws; what was asked for is done when the result is called. */
  readonly enter: (c: RegistryContext) => () => Promise<Response>;
}

/**
 * @example
 * route({
 *   method: 'get', path: '/api/v1/configs/:name', tag: 'configs', summary: 'One config', params: { name: NAME_PARAM },
 *   access: ({ params }) => [{ action: 'read', stream: configStream(params.name) }],
 *   answers: { 200: { description: 'The config as it is now', schema: CONFIG } },
 *   handle: async ({ c, params }) => c.json(await operations.get(params.name)),
 * })
 */
export function route<
  P extends Shape = Record<never, never>,
  Q extends Shape = Record<never, never>,
  B extends Shape = Record<never, never>,
>(definition: RouteDefinition<P, Q, B>): Route {
  const { method, access, handle, params = {} as P, query = {} as Q, body } = definition;
  const { writes = method !== 'get', conditional = writes === 'checked', takesBrowser = false } = definition;
  const { takesWorkflow = false } = definition;
  const enter = (c: RegistryContext) => {
    // Nobody in particular learns nothing, not even what is wrong with his request; nor does a page.
    if (access !== 'public' && isNobody(c)) admit(c, 'signed-in', takesBrowser);
    keepOutBrowsers(c, access, takesBrowser);
    if (access !== 'public' && !takesWorkflow) keepOutWorkflows(c.get('principal'));
    const asked = {
      params: parseParams(c, params),
      query: definition.takesAnyQuery === true ? ({} as Parsed<Q>) : parseQuery(c, query),
    };
    const needs = typeof access === 'function' ? access(asked) : access;
    admit(c, needs, takesBrowser);
    const admitAgain = async (): Promise<void> => {
      await c.get('identifyAgain')();
      admit(c, needs, takesBrowser);
    };
    if (needs !== 'public') c.set('admitAgain', admitAgain);
    if (method !== 'get' && !conditional && isOverCondition(c, definition)) throw noCondition(redactPath(c.req.path));
    return async (): Promise<Response> => {
      const sent = body === undefined ? ({} as Parsed<B>) : await parseBody(c, body, patienceOf(definition));
      return await handle({ c, principal: c.get('principal'), ...asked, body: sent });
    };
  };
  return { ...definition, writes, conditional, takesBrowser, enter } as unknown as Route;
}

/** How large a body it takes, and how long it waits for it; empty: as all do. */
export function patienceOf({ takesFile = false }: Pick<Route, 'takesFile'>): BodyPatience {
  return takesFile ? FILE_BODY : {};
}

/** Puts routes into an app; `around` is what every request goes through that was let in. */
export function mount(
  app: RegistryApp,
  routes: readonly Route[],
  around: (c: RegistryContext, route: Route, answer: () => Promise<Response>) => Promise<Response>,
): void {
  for (const one of routes) {
    // What is no package's name is nobody's there: the next route is asked, and at the end there is nothing.
    const isOfPackages = one.path.startsWith(PACKAGE_PATH);
    app.on(one.method.toUpperCase(), one.path, async (c, next) => {
      if (isOfPackages && !isPackagePath(c.req.path)) return await next();
      return await around(c, one, one.enter(c));
    });
  }
}

/** Lets a request in or throws ERR_UNAUTHENTICATED, ERR_FORBIDDEN. */
export function admit(c: RegistryContext, access: OpenTo | readonly Need[], takesBrowser = false): void {
  keepOutBrowsers(c, access, takesBrowser);
  if (access === 'public') return;
  const principal = c.get('principal');
  const isAnonymous = principal.kind === 'anonymous';
  try {
    if (access === 'signed-in' && isAnonymous) throw unauthenticated();
    if (access === 'granted' && principal.grants.length === 0) throw nothingGranted(principal);
    if (typeof access === 'string') return;
    for (const { action, stream } of access) requireRight(principal, action, stream);
  } catch (error) {
    // Who is not known may well be somebody who may: he hears why he is not known.
    throw isAnonymous ? (c.get('refusal') ?? unauthenticated()) : error;
  }
}

/** Throws ERR_FORBIDDEN. Where anybody may ask, what answers must not take a page for the user whose token it holds. */
function keepOutBrowsers(c: RegistryContext, access: unknown, takesBrowser: boolean): void {
  const principal = c.get('principal');
  if (takesBrowser || principal.isBrowser !== true) return;
  if (access !== 'public') throw notForBrowsers(principal);
  c.set('principal', ANONYMOUS);
}

/** Whether it asks for a condition that the route does not know; one that answers 304 reads by If-None-Match. */
function isOverCondition({ req }: RegistryContext, { answers }: Pick<Route, 'answers'>): boolean {
  const { headers } = req.raw;
  return answers[304] === undefined ? isConditional(headers) : headers.has('if-match');
}

function isNobody(c: RegistryContext): boolean {
  const { kind, grants } = c.get('principal');
  return kind === 'anonymous' && grants.length === 0;
}

/** A workflow publishes its package, and is nobody who could have or do anything else. Throws ERR_FORBIDDEN. */
export function keepOutWorkflows({ actor, trusted }: Principal): void {
  if (trusted === undefined) return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} is a workflow, and no user`,
    hint: 'Its token publishes the package that it was made for, and does nothing else.',
    details: { rule: 'rights' },
  });
}

function nothingGranted({ actor }: Principal): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `Nothing has been granted to ${actor}`,
    hint: 'Ask an administrator for a grant.',
    details: { rule: 'rights' },
  });
}

export function unauthenticated(): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'The request says nothing of who makes it',
    hint: "Send the header 'Authorization: Bearer ...' with a token; `c13 login` gets one, for packages `npm login`.",
    details: { why: 'missing' },
  });
}
