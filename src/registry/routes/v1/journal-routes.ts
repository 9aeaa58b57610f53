/** The whole: what was written by whom, copies of it, and how the registry does. @module */
import { basename } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../../auth/rights.ts';
import { auditEntry } from '../../audit.ts';
import type { Services } from '../../context.ts';
import { given, LIMIT, NUMBER_CURSOR, TIME } from '../../parse.ts';
import { route, type Need, type Route } from '../../route.ts';
import { readStatus } from '../status-routes.ts';
import { AT, BACKUP_FILE, COPY, CURSOR, HEAD, REVISION } from './schemas.ts';

const AUDIT = {
  stream: z.string().optional().meta({
    description: 'One stream, or with `*` at its end all that begin so.',
    example: 'config:*',
  }),
  type: z.string().optional().meta({ example: 'config.update' }),
  actor: z.string().optional(),
  since: TIME.optional(),
  until: TIME.optional(),
  limit: LIMIT,
  cursor: NUMBER_CURSOR,
};

const ENTRY = z
  .object({
    seq: z.int().min(1),
    stream: z.string(),
    revision: REVISION,
    at: AT,
    actor: z.string(),
    reason: z.string(),
    type: z.string(),
    body: z.unknown().meta({ description: 'What was written, decoded; null for what is not shown.' }),
    isErased: z.boolean(),
    prevHash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'Entry', description: 'One entry of the journal.' });

const STATUS = z.object({
  version: z.string(),
  pid: z.int(),
  started: AT,
  uptime_ms: z.number(),
  actor: z.string().meta({ description: 'Who asked.' }),
  core: z.object({ kind: z.string(), reason: z.string(), crc64Kernel: z.string() }),
  journal: z.object({ path: z.string(), id: z.string(), head: HEAD, size_bytes: z.int() }),
  sharing: z.string(),
  configs: z.int(),
});

/** A copy holds everything, identities too. */
const backups = (action: Action) => (): readonly Need[] => [{ action, stream: 'backup:*' }];

/** What makes an export unreadable for others: the sealed bytes, or null while exports go out in plain. */
export interface Exports {
  readonly sealExport?: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer> | null>;
}

export function v1JournalRoutes(services: Services & Exports & Parameters<typeof readStatus>[0]): readonly Route[] {
  return [auditRoute(services), ...backupRoutes(services), exportRoute(services), statusRoute(services)];
}

function auditRoute({ operations: { store } }: Services): Route {
  return route({
    method: 'get',
    path: '/api/v1/audit',
    tag: 'journal',
    summary: 'Entries of the journal, newest first: who did what, and why',
    // Of all roles the administrator's alone; a token of his that can only read may, too.
    access: () => [{ action: 'read', stream: 'audit:*' }],
    query: AUDIT,
    answers: { 200: { description: 'One page', schema: z.object({ entries: z.array(ENTRY), cursor: CURSOR }) } },
    errors: ['ERR_OUT_OF_RANGE'],
    handle: async ({ c, query: { stream, cursor: before, ...bounds } }) => {
      const isPrefix = stream?.endsWith('*') === true;
      const streams = isPrefix ? { streamPrefix: stream.slice(0, -1) } : { stream };
      const page = await store.journal.read({ ...given({ ...streams, ...bounds, before }), order: 'desc' });
      const entries = await Promise.all(page.entries.map((entry) => auditEntry(entry, (name) => store.features(name))));
      return c.json({ entries, cursor: page.cursor === null ? null : String(page.cursor) });
    },
  });
}

function backupRoutes({ operations }: Services): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/backups',
      tag: 'journal',
      summary: 'Backups, newest first',
      access: backups('read'),
      query: { limit: LIMIT, cursor: z.string().max(255).optional() },
      answers: {
        200: { description: 'One page', schema: z.object({ backups: z.array(BACKUP_FILE), cursor: CURSOR }) },
      },
      handle: async ({ c, query: { limit, cursor } }) => {
        const rest = (await operations.backups()).filter(({ name }) => cursor === undefined || name < cursor);
        const backups = rest.slice(0, limit);
        return c.json({ backups, cursor: rest.length > limit ? backups.at(-1)!.name : null });
      },
    }),
    route({
      method: 'post',
      path: '/api/v1/backups',
      tag: 'journal',
      summary: 'Copy the whole database, verified, beside it',
      access: backups('administer'),
      writes: false,
      body: {},
      answers: { 201: { description: 'The backup', schema: COPY } },
      errors: ['ERR_BACKUP'],
      handle: async ({ c }) => {
        const backup = await operations.backup();
        return c.json({ name: basename(backup.path), ...backup }, 201);
      },
    }),
  ];
}

function exportRoute({ operations, sealExport }: Services & Exports): Route {
  return route({
    method: 'get',
    path: '/api/v1/exports',
    tag: 'journal',
    summary: 'All configs and declared features, as the document that `c13 import` takes',
    description: 'Sealed with the key of the data directory while `encryption` is on in the config `registry`.',
    access: () => [{ action: 'read', stream: 'config:*' }],
    answers: { 200: { description: 'The document', contentType: ['application/json', 'application/octet-stream'] } },
    errors: ['ERR_KEYS'],
    handle: async ({ c }) => {
      const document = await operations.exportAll();
      const sealed = (await sealExport?.(document)) ?? null;
      const [name, type] = sealed === null ? ['json', 'application/json'] : ['json.sealed', 'application/octet-stream'];
      c.header('content-disposition', `attachment; filename="13byte-config.${name}"`);
      return c.body(sealed ?? new Uint8Array(document), 200, { 'content-type': type });
    },
  });
}

function statusRoute(services: Parameters<typeof readStatus>[0]): Route {
  return route({
    method: 'get',
    path: '/api/v1/status',
    tag: 'journal',
    summary: 'What runs here, and how far the journal is',
    access: () => [{ action: 'read', stream: 'status:registry' }],
    answers: { 200: { description: 'The status', schema: STATUS } },
    handle: async ({ c, principal }) => c.json(await readStatus(services, principal.actor)),
  });
}
