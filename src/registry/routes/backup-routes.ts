/** Copies of the whole database, and taking one config back out of them. @module */
import { basename } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import { ConfigError } from '../../errors/errors.ts';
import { answerWritten, writeOf, type RegistryEnv, type Services } from '../context.ts';
import { NAME, parseBody, parseQuery, WRITE } from '../parse.ts';

export function backupRoutes(services: Services): Hono<RegistryEnv> {
  const { operations } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/config/backups', async (c) => {
    parseQuery(c, {});
    return c.json({ backups: await operations.backups() });
  });

  routes.post('/config/backup', async (c) => {
    // Of a config, the whole database is copied: what it was is a question of all entries.
    parseQuery(c, { name: NAME });
    await parseBody(c, {});
    const backup = await operations.backup();
    return c.json({ name: basename(backup.path), ...backup }, 201);
  });

  routes.post('/config/restore', async (c) => {
    const { name } = parseQuery(c, { name: NAME });
    const { backup, reason } = await parseBody(c, { backup: z.string(), reason: WRITE.reason });
    const known = await operations.backups();
    if (!known.some((file) => file.name === backup)) throw noBackup(backup.slice(0, 80));
    return answerWritten(c, await operations.restore(name, backup, await writeOf(c, services, name, { reason })));
  });

  return routes;
}

function noBackup(backup: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no backup ${JSON.stringify(backup)}`,
    hint: 'List the backups to see their names.',
    details: { what: `backup ${backup}` },
  });
}
