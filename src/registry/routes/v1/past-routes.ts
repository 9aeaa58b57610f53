/** The past of a config: its history, a state of then, and what is counted. @module */
import { z } from 'zod';
import type { ChangedField } from '../../../config/value.ts';
import { CHANGED_FIELDS } from '../../../config/value.ts';
import type { HistoryFilter } from '../../../live/history.ts';
import { viewOf } from '../../../live/operations.ts';
import type { Services } from '../../context.ts';
import { given, LIMIT, NUMBER_CURSOR, TIME, WHOLE } from '../../parse.ts';
import { route, type Route } from '../../route.ts';
import { NAMED, reads } from './inputs.ts';
import { ANALYTICS, CONFIG, HISTORY_PAGE } from './schemas.ts';

const CONFIG_PATH = '/api/v1/configs/:name';
const TAG = 'past';

const HISTORY = {
  field: z
    .enum(CHANGED_FIELDS as readonly [ChangedField, ...ChangedField[]])
    .optional()
    .meta({ description: 'Only changes of this one.' }),
  since: TIME.optional(),
  until: TIME.optional(),
  actor: z.string().optional(),
  limit: LIMIT,
  cursor: NUMBER_CURSOR,
};

export function v1PastRoutes({ operations }: Services): readonly Route[] {
  return [
    route({
      method: 'get',
      path: `${CONFIG_PATH}/history`,
      tag: TAG,
      summary: 'Changes of a config, newest first; also of one that was deleted',
      access: reads,
      params: NAMED,
      query: HISTORY,
      answers: { 200: { description: 'One page', schema: HISTORY_PAGE } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name }, query }) => {
        const { entries, cursor } = await operations.history(name, given(query) as HistoryFilter);
        return c.json({ entries, cursor: cursor === null ? null : String(cursor) });
      },
    }),
    route({
      method: 'get',
      path: `${CONFIG_PATH}/revisions/:revision`,
      tag: TAG,
      summary: 'A config as it was at a revision',
      access: reads,
      params: { ...NAMED, revision: WHOLE.meta({ example: 1 }) },
      answers: { 200: { description: 'The config as it was then', schema: CONFIG } },
      errors: ['ERR_ENTRY_NOT_FOUND'],
      handle: async ({ c, params: { name, revision } }) => {
        const { store } = operations;
        return c.json(viewOf(await store.stateAt(name, { revision }), await store.features(name)));
      },
    }),
    route({
      method: 'get',
      path: `${CONFIG_PATH}/analytics`,
      tag: TAG,
      summary: 'How often, and when, what of a config has changed',
      access: reads,
      params: NAMED,
      answers: { 200: { description: 'Counts by field and feature', schema: ANALYTICS } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { name } }) => c.json(await operations.analytics(name)),
    }),
  ];
}
