/** Copies of the whole database, and taking one config back out of them. @module */
import { basename } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors/errors.ts';
import { answerWritten, writeOf, writesConfig, type Services } from '../context.ts';
import { NAME, WRITE } from '../parse.ts';
import { route, type Need, type Route } from '../route.ts';

const PATH = '/_dashboard/api/config';
const TAG = 'short forms';

/** A copy holds everything, identities too. */
const administersBackups = (): readonly Need[] => [{ action: 'administer', stream: 'backup:*' }];

export function backupRoutes(services: Services): readonly Route[] {
  const { operations } = services;
  return [
    route({
      method: 'get',
      path: `${PATH}/backups`,
      tag: TAG,
      summary: 'Backups, newest first',
      access: administersBackups,
      answers: { 200: { description: 'The backups' } },
      handle: async ({ c }) => c.json({ backups: await operations.backups() }),
    }),
    route({
      method: 'post',
      path: `${PATH}/backup`,
      tag: TAG,
      summary: 'Copy the whole database, verified',
      access: administersBackups,
      writes: false,
      // Of a config, the whole database is copied: what it was is a question of all entries.
      query: { name: NAME },
      body: {},
      answers: { 201: { description: 'The backup' } },
      handle: async ({ c }) => {
        const backup = await operations.backup();
        return c.json({ name: basename(backup.path), ...backup }, 201);
      },
    }),
    route({
      method: 'post',
      path: `${PATH}/restore`,
      tag: TAG,
      summary: 'Take one config out of a backup',
      access: ({ query }) => [...administersBackups(), ...writesConfig({ query })],
      writes: 'checked',
      query: { name: NAME },
      body: { backup: z.string(), reason: WRITE.reason },
      answers: { 200: { description: 'The config as it is now' } },
      handle: async ({ c, query: { name }, body: { backup, reason } }) => {
        const known = await operations.backups();
        if (!known.some((file) => file.name === backup)) throw noBackup(backup.slice(0, 80));
        return answerWritten(c, await operations.restore(name, backup, await writeOf(c, services, name, { reason })));
      },
    }),
  ];
}

function noBackup(backup: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no backup ${JSON.stringify(backup)}`,
    hint: 'List the backups to see their names.',
    details: { what: `backup ${backup}` },
  });
}
