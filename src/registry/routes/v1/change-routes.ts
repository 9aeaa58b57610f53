/** Changes of a config that have a name: a template, a reset, a migration, and the ways back. @module */
import { z } from 'zod';
import { DEFAULT_CONFIG } from '../../../config/value.ts';
import { ConfigError } from '../../../errors/errors.ts';
import type { Moment } from '../../../live/past.ts';
import { answerWritten, writeOf, type Services } from '../../context.ts';
import { badRequest, COUNT, given, TIME } from '../../parse.ts';
import { route, type Need, type Route, type RouteDefinition, type Shape } from '../../route.ts';
import { CHANGE_ERRORS, changeOf, NAMED, SAID, writes } from './inputs.ts';
import { MIGRATED, WRITTEN_ANSWER } from './schemas.ts';

type Change<B extends Shape> = Pick<
  RouteDefinition<typeof NAMED, Record<never, never>, B>,
  'summary' | 'description' | 'body' | 'errors' | 'example' | 'handle'
> & { readonly answers?: RouteDefinition<Shape, Shape, Shape>['answers'] };

const MOMENT = { revision: COUNT.optional(), entry: COUNT.optional(), at: TIME.optional() };

export function v1ChangeRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    change('template', {
      summary: 'Apply a template',
      body: { template: z.string(), ...SAID },
      errors: ['ERR_UNKNOWN_TEMPLATE', 'ERR_UNKNOWN_FEATURE'],
      example: { template: 'production', reason: 'it goes live' },
      handle: async ({ c, params: { name }, body: { template, ...said } }) =>
        answerWritten(c, await operations.applyTemplate(name, template, await changeOf(c, services, name, said))),
    }),
    change('reset', {
      summary: 'Back to the defaults',
      body: SAID,
      example: { reason: 'start again' },
      handle: async ({ c, params: { name }, body }) =>
        answerWritten(c, await operations.reset(name, await changeOf(c, services, name, body))),
    }),
    change('rollback', {
      summary: 'Put a past state back, as a change of its own; a deleted config is made again',
      description: 'One of `revision`, `entry` (a sequence of the journal) and `at` says which.',
      body: { ...MOMENT, reason: SAID.reason },
      errors: ['ERR_ENTRY_NOT_FOUND', 'ERR_BAD_REQUEST'],
      example: { revision: 1, reason: 'it was better before' },
      handle: async ({ c, params: { name }, body: { reason, ...moment } }) => {
        const to = momentOf(moment);
        return answerWritten(c, await operations.rollback(name, to, await writeOf(c, services, name, { reason })));
      },
    }),
    change('migrate', {
      summary: 'Bring a config to another version, after a backup',
      body: { to: z.number().optional(), ...SAID },
      answers: { 200: { description: 'The config as it is now, and what each step did', schema: MIGRATED } },
      errors: ['ERR_MIGRATION', 'ERR_BACKUP'],
      example: { to: 1 },
      handle: async ({ c, params: { name }, body: { to = DEFAULT_CONFIG.version, ...said } }) =>
        answerWritten(c, await operations.migrate(name, to, await changeOf(c, services, name, said))),
    }),
    restoreRoute(services),
  ];
}

/** A backup holds everything, so that only who may see everything takes a config out of one. */
function restoreRoute(services: Services): Route {
  const { operations } = services;
  return change(
    'restore',
    {
      summary: 'Take a config out of a backup; one that is gone is made again',
      body: { backup: z.string(), reason: SAID.reason },
      errors: ['ERR_BACKUP'],
      example: { backup: '2026-03-01T12-00-00.000Z.db', reason: 'as it was on Sunday' },
      handle: async ({ c, params: { name }, body: { backup, reason } }) => {
        const known = await operations.backups();
        if (!known.some((file) => file.name === backup)) throw noBackup(backup.slice(0, 80));
        return answerWritten(c, await operations.restore(name, backup, await writeOf(c, services, name, { reason })));
      },
    },
    [{ action: 'administer', stream: 'backup:*' }],
  );
}

function change<B extends Shape>(
  what: string,
  { errors = [], ...said }: Change<B>,
  needs: readonly Need[] = [],
): Route {
  return route({
    method: 'post',
    path: `/api/v1/configs/:name/${what}`,
    tag: 'changes',
    access: (call) => [...needs, ...writes(call)],
    writes: 'checked',
    params: NAMED,
    answers: WRITTEN_ANSWER,
    errors: [...CHANGE_ERRORS, ...errors],
    ...said,
  });
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

function noBackup(backup: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no backup ${JSON.stringify(backup)}`,
    hint: 'List the backups to see their names.',
    details: { what: `backup ${backup}` },
  });
}
