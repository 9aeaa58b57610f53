/** Many configs in one request, all of it or nothing. @module */
import { z } from 'zod';
import { requireRight } from '../../../auth/rights.ts';
import { configStream } from '../../../config/name.ts';
import { BULK_MAX, parseBulk } from '../../../live/bulk.ts';
import { signatureOf, type Services } from '../../context.ts';
import { COUNT, given, NAME_PARAM } from '../../parse.ts';
import { route, type Route } from '../../route.ts';
import { CONFIG_INPUT, INPUT_ERRORS, judgedBelow, SAID } from './inputs.ts';
import { AT, OUTCOMES } from './schemas.ts';

const BULK_CHANGE = z.strictObject({
  name: NAME_PARAM,
  expected: z.int().min(0).optional(),
  set: z.object(CONFIG_INPUT).partial().omit({ hex: true, record: true }).optional(),
  template: z.string().optional(),
  rollback: z.strictObject({ revision: COUNT, entry: COUNT, at: AT }).partial().optional(),
  reset: z.literal(true).optional(),
  delete: z.literal(true).optional(),
});

export function v1BulkRoutes({ operations }: Services): readonly Route[] {
  const bulk = route({
    method: 'post',
    path: '/api/v1/configs/bulk',
    tag: 'configs',
    summary: 'Change many configs, all or none, in one transaction of the journal',
    description: [
      `At most ${BULK_MAX} changes, each of another config, with one of the verbs.`,
      '`expected` is the revision that was seen; 0 only makes what is not there.',
    ].join(' '),
    access: 'granted',
    writes: 'checked',
    conditional: false,
    body: { changes: judgedBelow(z.array(BULK_CHANGE).min(1).max(BULK_MAX)), ...SAID },
    answers: { 200: { description: 'What became of each, in their order', schema: OUTCOMES } },
    errors: [...INPUT_ERRORS, 'ERR_NOT_FOUND', 'ERR_ENTRY_NOT_FOUND', 'ERR_UNKNOWN_TEMPLATE', 'ERR_REVISION_CONFLICT'],
    example: {
      changes: [
        { name: 'checkout/production', set: { features: { metrics: true } } },
        { name: 'checkout/staging', template: 'staging', expected: 0 },
      ],
      reason: 'one release',
    },
    handle: async ({ c, principal, body: { changes, ...said } }) => {
      // Before anything is looked at: who may not write a config does not learn whether it is there.
      for (const { name } of parseBulk(changes)) requireRight(principal, 'write', configStream(name));
      return c.json({ results: await operations.bulk(changes, { ...signatureOf(c), ...given(said) }) });
    },
  });
  return [bulk];
}
