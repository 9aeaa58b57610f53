/** The past of a config: its history, what is counted of it, and the way back. @module */
import { z } from 'zod';
import type { ChangedField } from '../../config/value.ts';
import type { HistoryFilter } from '../../live/history.ts';
import type { Moment } from '../../live/past.ts';
import { answerWritten, readsConfig, writeOf, writesConfig, type Services } from '../context.ts';
import { badRequest, COUNT, given, NAME, TIME, WHOLE, WRITE } from '../parse.ts';
import { route, type Route } from '../route.ts';

const PATH = '/_dashboard/api/config';
const TAG = 'short forms';
const TEXT = z.string().optional();
const HISTORY = {
  name: NAME,
  field: TEXT,
  since: TIME.optional(),
  until: TIME.optional(),
  actor: TEXT,
  limit: WHOLE.optional(),
  cursor: WHOLE.optional(),
};
const MOMENT = {
  revision: COUNT.optional(),
  entry: COUNT.optional(),
  at: TIME.optional(),
};

export function pastRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${PATH}/history`,
      tag: TAG,
      summary: 'Changes of a config, newest first',
      access: readsConfig,
      query: HISTORY,
      answers: { 200: { description: 'One page of changes' } },
      handle: async ({ c, query: { name, ...filter } }) =>
        // The store refuses a field it does not know, in the words of all its users.
        c.json(await operations.history(name, given(filter) as HistoryFilter & { field?: ChangedField })),
    }),
    route({
      method: 'get',
      path: `${PATH}/analytics`,
      tag: TAG,
      summary: 'What is counted of a config',
      access: readsConfig,
      query: { name: NAME },
      answers: { 200: { description: 'Counters by field' } },
      handle: async ({ c, query: { name } }) => c.json(await operations.analytics(name)),
    }),
    route({
      method: 'get',
      path: `${PATH}/analytics/field`,
      tag: TAG,
      summary: 'What is counted of one field',
      access: readsConfig,
      query: { name: NAME, field: TEXT },
      answers: { 200: { description: 'Counters of the field' } },
      handle: async ({ c, query: { name, field } }) => c.json(await operations.fieldAnalytics(name, field)),
    }),
    route({
      method: 'post',
      path: `${PATH}/rollback`,
      tag: TAG,
      summary: 'Put a past state back, as a change of its own',
      access: writesConfig,
      writes: 'checked',
      query: { name: NAME },
      body: { reason: WRITE.reason, ...MOMENT },
      answers: { 200: { description: 'The config as it is now' } },
      handle: async ({ c, query: { name }, body: { reason, ...moment } }) => {
        const to = momentOf(moment);
        return answerWritten(c, await operations.rollback(name, to, await writeOf(c, services, name, { reason })));
      },
    }),
  ];
}

function momentOf({ revision, entry, at }: z.infer<z.ZodObject<typeof MOMENT>>): Moment {
  const moment = given({ revision, seq: entry, at });
  if (Object.keys(moment).length === 1) return moment;
  throw badRequest(
    'revision',
    'A rollback goes to one of revision, entry and at',
    'Say where to, in one of the three.',
  );
}
