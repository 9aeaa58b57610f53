/**
 * What clients ask when they audit: passed on to uplinks, without names of ours; empty where there is nobody to ask.
 * @module
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import { parseStrictJson } from '../../config/strict-json.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { AuditPath } from '../../packages/uplinks/questions.ts';
import { readBytes, tooLarge } from '../body.ts';
import type { RegistryContext } from '../context.ts';
import { holderOf } from '../holder.ts';
import { route, type Route } from '../route.ts';
import { AuditTurns } from './audit-turns.ts';
import type { UplinkServices } from './open-uplinks.ts';
import { PACKAGE_TAG } from './npm-params.ts';

/** Of a body as it comes, and of what it is decompressed. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** Names and versions are some times smaller when they are compressed; what is so many times smaller is no question. */
const RATIO_MAX = 50;
/** Of what is decompressed, however little was sent. */
const SMALL_BYTES = 64 * 1024;
const REPORT = z.looseObject({}).meta({ id: 'AuditReport' });
/** For the description. */
const INSTALLED = {
  '*': z.array(z.string()).optional().describe('Versions, by the name of a package: any number of these'),
};
const TREE = { requires: z.looseObject({}).optional(), dependencies: z.looseObject({}).optional() };
const unzipped = promisify(gunzip);

const PATHS: readonly { readonly path: AuditPath; readonly summary: string }[] = [
  {
    path: '/-/npm/v1/security/advisories/bulk',
    summary: 'What is known to be unsafe of the versions that are installed',
  },
  { path: '/-/npm/v1/security/audits/quick', summary: 'The same, as older clients ask' },
  { path: '/-/npm/v1/security/audits', summary: 'The same, as the oldest ask' },
];

export function auditRoutes({ uplinks }: Pick<UplinkServices, 'uplinks'>): readonly Route[] {
  const turns = new AuditTurns();
  return PATHS.map(({ path, summary }) =>
    route({
      method: 'post',
      path,
      tag: PACKAGE_TAG,
      summary,
      description: 'Names of packages that are ours are told nobody. The body may be gzipped.',
      access: 'granted',
      writes: false,
      isRead: true,
      takesAnyQuery: true,
      readsBody: path.endsWith('/bulk') ? INSTALLED : TREE,
      example: {},
      answers: { 200: { description: 'Advisories; none where no uplink can be asked', schema: REPORT } },
      errors: ['ERR_UPLINK'],
      handle: async ({ c }) => {
        const sent = await readBytes(c.req.raw, { ...c.env, limit_bytes: BODY_LIMIT_BYTES });
        return await turns.run(holderOf(c.get('principal')), c.get('address'), async () => {
          const body = parseStrictJson(await plainOf(c, sent));
          c.env.patient?.();
          return c.json(await uplinks.audit(path, body));
        });
      },
    }),
  );
}

async function plainOf(c: RegistryContext, sent: Uint8Array): Promise<Uint8Array> {
  const encoding = c.req.header('content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return sent;
  if (encoding !== 'gzip') throw notGzip(`it is ${JSON.stringify(encoding.slice(0, 40))}`);
  const limit_bytes = Math.min(BODY_LIMIT_BYTES, Math.max(SMALL_BYTES, RATIO_MAX * sent.length));
  try {
    return await unzipped(sent, { maxOutputLength: limit_bytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit_bytes);
    throw notGzip('it cannot be decompressed', error);
  }
}

function notGzip(fault: string, cause?: unknown): ConfigError<'ERR_HEADER'> {
  return new ConfigError('ERR_HEADER', {
    message: `The body is not what Content-Encoding says: ${fault}`,
    hint: 'Send it gzipped, or as it is.',
    details: { header: 'content-encoding', value: fault },
    cause,
  });
}
