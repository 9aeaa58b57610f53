/**
 * Evaluation of flags by the OpenFeature Remote Evaluation Protocol: one flag, all of them, and the stream that tells
 * when to ask again; for the config `default`, and below each config's own path. What can be said in the protocol's
 * shapes is answered in them, as its clients read nothing else; the rest are problems, as everywhere.
 * @module
 */
import { z } from 'zod';
import { configStream, DEFAULT_NAME } from '../../config/name.ts';
import { readBytes, readJsonBytes } from '../body.ts';
import type { RegistryContext } from '../context.ts';
import { refusal, setOfrepHeaders, type OfrepAnswer } from '../ofrep.ts';
import { EVENTS_PATH, OFREP_PATH, type OfrepService } from '../ofrep-service.ts';
import { NAME_PARAM } from '../parse.ts';
import { asConfigError } from '../problem.ts';
import { route, type Answer, type Route, type Shape } from '../route.ts';

const TAG = 'evaluation';

export interface OfrepServices {
  readonly ofrep: OfrepService;
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

/** Where flags are asked for: the base of a provider's URL is what stands before `/ofrep`. */
interface Form<P extends Shape> {
  readonly base: string;
  readonly params: P;
  readonly nameOf: (params: Readonly<Record<string, unknown>>) => string;
}

const FORMS: readonly Form<Shape>[] = [
  { base: '', params: {}, nameOf: () => DEFAULT_NAME },
  { base: '/api/v1/configs/:name', params: { name: NAME_PARAM }, nameOf: ({ name }) => name as string },
];

const METADATA = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();
const SUCCESS = z
  .object({
    key: z.string(),
    reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT', 'DISABLED']),
    variant: z.string().optional(),
    value: z.union([z.boolean(), z.string(), z.number(), z.record(z.string(), z.unknown())]).optional(),
    metadata: METADATA,
  })
  .meta({ id: 'FlagAnswer', description: "Without a value, the caller's own default counts." });
const FAILURE = z
  .object({ key: z.string().optional(), errorCode: z.string(), errorDetails: z.string().optional() })
  .meta({ id: 'FlagFailure', description: 'Why a flag has no answer.' });
const STREAM = z.object({
  type: z.literal('sse'),
  url: z.string().optional(),
  endpoint: z.object({ requestUri: z.string() }).optional(),
});
const BULK = z
  .object({ flags: z.array(z.union([SUCCESS, FAILURE])), eventStreams: z.array(STREAM) })
  .meta({ id: 'FlagAnswers', description: 'All flags, by key.' });

const CONTEXT = z
  .looseObject({ targetingKey: z.string().optional() })
  .optional()
  .meta({ description: 'Whom the flags are asked for: `targetingKey`, and whatever else the rules look at.' });
const BODY = { context: CONTEXT };
const EXAMPLE = { context: { targetingKey: 'user-1', plan: 'pro' } };

const TICKET = z.string().meta({
  description: 'From `eventStreams`; it opens this stream and nothing else.',
  example: 'q3mPz0yXb1v9s7c2',
});

const REFUSED: Answer = { description: 'The context is refused, or the flag cannot be evaluated', schema: FAILURE };
const CRASHED: Answer = { description: 'The registry failed', schema: FAILURE };
const ABOUT =
  'What is wrong with the context, or with the flag, is answered in the shapes of the protocol (`application/json`); ' +
  'everything else is a problem.';

export function ofrepRoutes(services: OfrepServices): readonly Route[] {
  return [...FORMS.flatMap((form) => [oneRoute(services, form), allRoute(services, form)]), eventsRoute(services)];
}

function oneRoute(services: OfrepServices, { base, params, nameOf }: Form<Shape>): Route {
  return route({
    ...common(nameOf),
    path: `${base}${OFREP_PATH}/evaluate/flags/:key`,
    summary: 'Evaluate one flag (OFREP)',
    params: { ...params, key: z.string().meta({ description: 'A flag, or a feature by its name.', example: 'debug' }) },
    answers: {
      200: { description: 'The answer', schema: SUCCESS },
      400: REFUSED,
      404: { description: 'No such flag, or none that the asker may know of', schema: FAILURE },
      500: CRASHED,
    },
    handle: async ({ c, params: asked }) => await evaluated(c, services, nameOf(asked), asked['key'] as string),
  });
}

function allRoute(services: OfrepServices, { base, params, nameOf }: Form<Shape>): Route {
  return route({
    ...common(nameOf),
    path: `${base}${OFREP_PATH}/evaluate/flags`,
    summary: 'Evaluate all flags (OFREP)',
    params,
    answers: {
      200: { description: 'The answers, and where to hear of changes', schema: BULK },
      304: { description: 'For this context nothing has changed' },
      400: REFUSED,
      404: { description: 'There is no such config', schema: FAILURE },
      500: CRASHED,
    },
    handle: async ({ c, params: asked }) => await evaluated(c, services, nameOf(asked), null),
  });
}

function common(nameOf: Form<Shape>['nameOf']) {
  return {
    method: 'post',
    tag: TAG,
    description: ABOUT,
    access: ({ params }: { params: Readonly<Record<string, unknown>> }) =>
      [{ action: 'read', stream: configStream(nameOf(params)) }] as const,
    writes: false,
    isRead: true,
    takesBrowser: true,
    cors: true,
    takesAnyQuery: true,
    readsBody: BODY,
    example: EXAMPLE,
    errors: ['ERR_CONTENT_TYPE', 'ERR_BODY_TIMEOUT'],
  } as const;
}

function eventsRoute({ ofrep }: OfrepServices): Route {
  return route({
    method: 'get',
    path: EVENTS_PATH,
    tag: TAG,
    summary: 'Hear when flags have changed (OFREP)',
    description: 'An event says `refetchEvaluation`, and nothing of what has changed. The URL comes with all flags.',
    access: 'public',
    takesBrowser: true,
    cors: true,
    query: { ticket: TICKET },
    answers: { 200: { description: 'Events, until either side ends it', contentType: 'text/event-stream' } },
    errors: ['ERR_UNAUTHENTICATED', 'ERR_NOT_FOUND'],
    handle: async ({ c, query: { ticket } }) => {
      const lastEventId = c.req.raw.headers.get('last-event-id');
      return await ofrep.listen(ticket, { lastEventId, closing: c.env.closing, address: c.get('address') });
    },
  });
}

async function evaluated(
  c: RegistryContext,
  { ofrep, log }: OfrepServices,
  config: string,
  key: string | null,
): Promise<Response> {
  let answer: OfrepAnswer;
  try {
    const bytes = await bodyOf(c);
    const flags = await ofrep.evaluations.read(config);
    if (key === null && !flags.compiled.isReady) {
      await flags.compiled.makeReady();
      // That may take a second, and who asks may have lost his rights meanwhile.
      await c.get('admitAgain')?.();
    }
    const known = c.req.header('if-none-match') ?? null;
    answer = ofrep.answer(flags, { key, bytes, principal: c.get('principal'), known });
  } catch (error) {
    answer = refusal(key, asConfigError(error, log));
  }
  const headers = new Headers();
  setOfrepHeaders(headers, answer);
  return new Response(answer.text, { status: answer.status, headers });
}

/** Errors: those of `readJsonBytes`, and of whoever may not ask any more when all of it is there. */
async function bodyOf(c: RegistryContext): Promise<Uint8Array> {
  const { raw } = c.req;
  // Clients send all types; but what a browser adds by itself must not do for a form of another site.
  const isByHeader = raw.headers.has('authorization') || raw.headers.has('x-api-key');
  const bytes = await (isByHeader ? readBytes(raw, c.env) : readJsonBytes(raw, c.env));
  if (bytes.length > 0) await c.get('admitAgain')?.();
  return bytes;
}
