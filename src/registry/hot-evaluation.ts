/**
 * Flags for services that ask again and again: answered where the server hands the request over, with a token that is
 * known already and flags that are compiled already. Waits for nothing but the body; whatever is unusual about a
 * request makes it go the ordinary way, which answers the same.
 * @module
 */
import type { Principal } from '../auth/rights.ts';
import { configStream, DEFAULT_NAME } from '../config/name.ts';
import { compressResponse } from '../http/compression.ts';
import type { RequestFacts } from '../logging/request-log.ts';
import { readSmall } from './body.ts';
import type { Cors } from './cors.ts';
import type { ReadyFlags } from './evaluations.ts';
import { factsOf, plainHeadersOf, Readers, setCounted, type Counted, type HotDoor } from './hot-door.ts';
import type { PlainHeaders } from './hot-door.ts';
import { isPlain, setOfrepHeaders, SMALL_HEADERS, type OfrepAnswer } from './ofrep.ts';
import { OFREP_PATH, type OfrepService } from './ofrep-service.ts';
import type { HotRoute } from './serve.ts';

/** Larger contexts are rare, and the ordinary way reads them piece by piece. */
const BODY_MAX_BYTES = 64 * 1024;
const LENGTH = /^[1-9][0-9]{0,4}$/;

export interface HotEvaluationOptions {
  readonly ofrep: Pick<OfrepService, 'evaluations' | 'answer'>;
  readonly door: HotDoor;
  readonly cors: Pick<Cors, 'allow'>;
  /** Counts and logs, by the pattern of the path; must not throw. */
  readonly answered: (route: string, facts: RequestFacts) => void;
}

/** What is asked for. */
interface Asked {
  /** The pattern of its path. */
  readonly route: string;
  readonly config: string;
  /** One flag; null: all of the config's. */
  readonly key: string | null;
}

/** What is known before the body. */
interface Hot extends Asked {
  readonly request: Request;
  readonly headers: PlainHeaders;
  readonly flags: ReadyFlags;
  readonly principal: Principal;
  readonly closing: AbortSignal;
  readonly began: number;
}

/** null: the ordinary way must look at it. */
export type HotEvaluation = (request: Request, asked: Asked, closing: AbortSignal) => Promise<Response | null> | null;

/**
 * @example
 * const evaluate = hotEvaluation({ ofrep, door, cors, answered });
 * serve({ ...options, hot: hotEvaluationRoutes(evaluate) });
 */
export function hotEvaluation(options: HotEvaluationOptions): HotEvaluation {
  const { ofrep, door } = options;
  const readers = new WeakMap<ReadyFlags, Readers>();
  const plain = door.prepare(SMALL_HEADERS);
  return (request, asked, closing) => {
    const began = performance.now();
    const headers = plainHeadersOf(request);
    if (isUnusual(request.method, headers, asked.key)) return null;
    const flags = ofrep.evaluations.held(asked.config);
    if (flags === undefined || !isReady(flags, asked.key)) return null;
    const principal = door.identify(headers);
    if (principal === null || !readersOf(flags, readers).has(principal)) return null;
    return answer({ ...asked, request, headers, flags, principal, closing, began }, plain, options);
  };
}

/** For one flag and for all of them: of the config `default`, and below each config's own path. */
export function hotEvaluationRoutes(evaluate: HotEvaluation): Record<string, HotRoute> {
  const bases = [OFREP_PATH, `/api/v1/configs/:name${OFREP_PATH}`];
  const paths = bases.flatMap((base) => [`${base}/evaluate/flags`, `${base}/evaluate/flags/:key`]);
  return Object.fromEntries(paths.map((path) => [path, { method: 'POST', answer: answerOf(path, evaluate) }]));
}

function answerOf(route: string, evaluate: HotEvaluation): HotRoute['answer'] {
  return (request, closing) => {
    const { name = DEFAULT_NAME, key = null } = request.params as { name?: string; key?: string };
    return evaluate(request, { route, config: name, key }, closing);
  };
}

async function answer(hot: Hot, plain: Headers, options: HotEvaluationOptions): Promise<Response | null> {
  const { request, headers: sent, flags, principal, key, closing } = hot;
  const { ofrep, door, cors, answered } = options;
  const { moment } = door;
  let counted: Counted | null;
  let made: OfrepAnswer;
  try {
    const bytes = await readSmall(request, { closing });
    // A body may take its time, and who sends it may have lost his rights meanwhile.
    if (!door.isStill(principal, sent, moment)) return null;
    // Not sooner: what goes the ordinary way is counted there.
    counted = door.count(principal, sent, performance.now());
    if (counted === null) return null;
    made = ofrep.answer(flags, { key, bytes, principal, known: sent['if-none-match'] ?? null });
  } catch {
    // The ordinary way meets the same fault, and says what it is.
    return null;
  }
  const { text, status } = made;
  if (isPlain(made) && sent['origin'] === undefined) {
    // A response copies its headers, so that one of them is enough.
    setCounted(plain, counted);
    const response = new Response(text, { status, headers: plain });
    tell(hot, counted, status, answered);
    return response;
  }
  const headers = new Headers(plain);
  setOfrepHeaders(headers, made);
  setCounted(headers, counted);
  cors.allow(request.headers, headers);
  const response = await compressResponse(request, new Response(text, { status, headers }));
  tell(hot, counted, status, answered);
  return response;
}

function tell(
  { request, principal, route, began }: Hot,
  counted: Counted,
  status: number,
  answered: HotEvaluationOptions['answered'],
): void {
  answered(route, factsOf(request, principal, counted, status, began));
}

/** No announced length, too much, or a header that has to be looked at. */
function isUnusual(method: string, headers: PlainHeaders, key: string | null): boolean {
  const { 'content-length': length } = headers;
  if (method !== 'POST' || length === undefined || !LENGTH.test(length) || Number(length) > BODY_MAX_BYTES) return true;
  if (headers['idempotency-key'] !== undefined || headers['if-match'] !== undefined) return true;
  return key !== null && headers['if-none-match'] !== undefined;
}

/** One flag is soon made. */
function isReady({ compiled }: ReadyFlags, key: string | null): boolean {
  return key !== null || compiled.isReady;
}

function readersOf(flags: ReadyFlags, known: WeakMap<ReadyFlags, Readers>): Readers {
  let readers = known.get(flags);
  if (readers === undefined) known.set(flags, (readers = new Readers(configStream(flags.name))));
  return readers;
}
