/** The past of a config: its history, what is counted of it, and the way back. @module */
import { Hono } from 'hono';
import { z } from 'zod';
import type { ChangedField } from '../../config/value.ts';
import type { HistoryFilter } from '../../live/history.ts';
import type { Moment } from '../../live/past.ts';
import { answerWritten, writeOf, type RegistryEnv, type Services } from '../context.ts';
import { badRequest, COUNT, NAME, parseBody, parseQuery, TIME, WHOLE, WRITE } from '../parse.ts';

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

export function pastRoutes(services: Services): Hono<RegistryEnv> {
  const { operations } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/config/history', async (c) => {
    const { name, ...filter } = parseQuery(c, HISTORY);
    // The store refuses a field it does not know, in the words of all its users.
    return c.json(await operations.history(name, given(filter) as HistoryFilter & { field?: ChangedField }));
  });

  routes.get('/config/analytics', async (c) => c.json(await operations.analytics(parseQuery(c, { name: NAME }).name)));

  routes.get('/config/analytics/field', async (c) => {
    const { name, field } = parseQuery(c, { name: NAME, field: TEXT });
    return c.json(await operations.fieldAnalytics(name, field));
  });

  routes.post('/config/rollback', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { reason, ...moment } = await parseBody(c, { reason: WRITE.reason, ...MOMENT });
    const to = momentOf(moment);
    return answerWritten(c, await operations.rollback(name, to, await writeOf(c, services, name, { reason })));
  });

  return routes;
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

/** Without the fields that were left out. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
