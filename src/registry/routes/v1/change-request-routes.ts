/** Changes that wait: for a second person, or for their time. Who sees one may read all that it touches. @module */
import { z } from 'zod';
import { may, type Principal } from '../../../auth/rights.ts';
import type { ChangeRequest } from '../../../changes/change-request.ts';
import { ConfigError, type ErrorCode } from '../../../errors/errors.ts';
import type { Resource } from '../../../journal/resources.ts';
import { etagOf } from '../../conditions.ts';
import { expectedOf, type RegistryContext } from '../../context.ts';
import { expectRevision } from '../../flag-writes.ts';
import type { Changes } from '../../open-changes.ts';
import { given, LIMIT, TIME } from '../../parse.ts';
import { route, type Answer, type Route } from '../../route.ts';
import { NOTE, PROPOSAL, REQUEST, REQUEST_PAGE, STATE, STEPS, summaryOf, viewOf } from './change-request-shapes.ts';
import { INPUT_ERRORS } from './inputs.ts';

const PATH = '/api/v1/change-requests';
const ONE = {
  params: { id: z.string().max(64).meta({ description: 'The id of a change request.' }) },
  tag: 'requests',
  access: 'granted',
} as const;
const ANSWER: Readonly<Record<200, Answer>> = { 200: { description: 'The change request', schema: REQUEST } };
const MADE_ERRORS: readonly ErrorCode[] = [
  ...INPUT_ERRORS,
  'ERR_NOT_FOUND',
  'ERR_ENTRY_NOT_FOUND',
  'ERR_UNKNOWN_TEMPLATE',
  'ERR_FLAG_INVALID',
  'ERR_REVISION_CONFLICT',
];
const DECIDED_ERRORS: readonly ErrorCode[] = ['ERR_SELF_APPROVAL', 'ERR_CHANGE_REQUEST_STATE'];

export interface ChangeServices {
  readonly changes: Changes;
}

export function changeRequestRoutes({ changes }: ChangeServices): readonly Route[] {
  return [listRoute(changes), proposeRoute(changes), readRoute(changes), ...decisionRoutes(changes)];
}

function listRoute({ requests }: Changes): Route {
  return route({
    method: 'get',
    path: PATH,
    tag: 'requests',
    summary: 'Change requests, the newest first',
    access: 'granted',
    query: { state: STATE.optional(), limit: LIMIT, cursor: z.string().max(64).optional() },
    answers: { 200: { description: 'One page', schema: REQUEST_PAGE } },
    handle: async ({ c, principal, query }) => {
      const isVisible = (request: ChangeRequest): boolean => sees(principal, request);
      const { requests: found, cursor } = await requests.list({ ...query, isVisible });
      return c.json({ requests: found.map(summaryOf), cursor });
    },
  });
}

function proposeRoute(changes: Changes): Route {
  return route({
    method: 'post',
    path: PATH,
    tag: 'requests',
    summary: 'Ask for a change: to be approved, to be made later, or step by step',
    description: [
      'Takes one of `operations`, `ramp` and `steps`; each step is made as a whole or not at all.',
      'It waits for an approval where you may not make all of it yourself, or ask for one.',
      'Without one and without `at` it is made at once. With `force` it is made although validation finds errors, or',
      'somebody else has changed the same meanwhile; without it no config is made that is not there.',
    ].join(' '),
    access: 'granted',
    writes: 'checked',
    conditional: false,
    body: PROPOSAL,
    answers: { 201: { description: 'It was made; `Location` says where', schema: REQUEST } },
    errors: [...MADE_ERRORS, 'ERR_DUPLICATE_KEY'],
    example: {
      ramp: { name: 'checkout/production', feature: 'metrics', percents: [1, 10, 100], pause_s: 3600 },
      reason: 'measure everywhere, slowly',
    },
    handle: async ({ c, principal, body: { steps, ...asked } }) => {
      const id = await changes.application.propose(given({ ...asked, steps: withTimes(steps) }), principal);
      c.header('location', `${PATH}/${id}`);
      return await answered(c, changes, await changes.requests.get(id), 201);
    },
  });
}

function readRoute(changes: Changes): Route {
  return route({
    ...ONE,
    method: 'get',
    path: `${PATH}/:id`,
    summary: 'One change request, with what it would still change',
    query: { steps: STEPS.optional() },
    answers: ANSWER,
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { id }, query: { steps } }) => {
      const found = await visible(changes, principal, id);
      if (found === null) throw notFound(id);
      c.header('etag', etagOf(found));
      return c.json(await viewOf(found, changes.application, steps));
    },
  });
}

function decisionRoutes(changes: Changes): readonly Route[] {
  const { application } = changes;
  return [
    route({
      ...ONE,
      method: 'post',
      path: `${PATH}/:id/approve`,
      summary: "Approve somebody else's change; it is made when it is due",
      description: '`force`: also where somebody else has changed the same since it was asked for.',
      writes: 'checked',
      body: { ...NOTE, force: z.boolean().optional() },
      answers: ANSWER,
      errors: [...MADE_ERRORS, ...DECIDED_ERRORS],
      example: { note: 'looks good' },
      handle: async (call) => await decided(changes, call, (id, ...how) => application.approve(id, ...how)),
    }),
    route({
      ...ONE,
      method: 'post',
      path: `${PATH}/:id/reject`,
      summary: "Reject somebody else's change",
      conditional: true,
      body: NOTE,
      answers: ANSWER,
      errors: ['ERR_NOT_FOUND', 'ERR_REVISION_CONFLICT', ...DECIDED_ERRORS],
      example: { note: 'not before the sale' },
      handle: async (call) => await decided(changes, call, (id, ...how) => application.reject(id, ...how)),
    }),
    route({
      ...ONE,
      method: 'post',
      path: `${PATH}/:id/cancel`,
      summary: 'End a change that waits; the steps that were made stay',
      conditional: true,
      body: NOTE,
      answers: ANSWER,
      errors: ['ERR_NOT_FOUND', 'ERR_REVISION_CONFLICT', 'ERR_CHANGE_REQUEST_STATE'],
      example: { note: 'not needed any more' },
      handle: async (call) => await decided(changes, call, (id, ...how) => application.cancel(id, ...how)),
    }),
  ];
}

interface Decided {
  readonly c: RegistryContext;
  readonly principal: Principal;
  readonly params: { readonly id: string };
  readonly body: { readonly note?: string | undefined; readonly force?: boolean | undefined };
}

async function decided(
  changes: Changes,
  { c, principal, params: { id }, body }: Decided,
  decide: Changes['application']['approve'],
): Promise<Response> {
  const find = async () => await visible(changes, principal, id);
  const expected = await expectedOf(c, async () => {
    const found = await find();
    return found === null ? null : await viewOf(found, changes.application);
  });
  const found = await find();
  expectRevision(`change_request:${id}`, expected, found);
  if (found === null) throw notFound(id);
  await decide(id, principal, given({ ...body, expected }));
  return await answered(c, changes, await changes.requests.get(id));
}

async function answered(
  c: RegistryContext,
  { application }: Changes,
  found: Resource<ChangeRequest>,
  status: 200 | 201 = 200,
): Promise<Response> {
  c.header('etag', etagOf(found));
  return c.json(await viewOf(found, application), status);
}

function sees(principal: Principal, { base }: ChangeRequest): boolean {
  return base.every(({ stream }) => may(principal, 'read', stream));
}

/** null: there is none, or he may not see it. */
async function visible(
  { requests }: Changes,
  principal: Principal,
  id: string,
): Promise<Resource<ChangeRequest> | null> {
  const found = await requests.find(id);
  return found !== null && sees(principal, found.value) ? found : null;
}

function notFound(id: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no change_request ${JSON.stringify(id)}`,
    hint: 'List them to see what there is.',
    details: { what: `change_request ${id}` },
  });
}

/** ISO times as milliseconds; what is no time is judged with the rest. */
function withTimes(steps: unknown): unknown {
  if (!Array.isArray(steps)) return steps;
  return steps.map((step: unknown) => {
    if (typeof step !== 'object' || step === null || !('at' in step)) return step;
    const { success, data } = TIME.safeParse(step.at);
    return success ? { ...step, at: data } : step;
  });
}
