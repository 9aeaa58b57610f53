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
import { route, type Route } from '../route.ts';
import type { UplinkServices } from './open-uplinks.ts';

/** Of a body as it comes, and of what it is decompressed. */
const SENT_LIMIT_BYTES = 4 * 1024 * 1024;
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;
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
  return PATHS.map(({ path, summary }) =>
    route({
      method: 'post',
      path,
      tag: 'packages',
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
        const body = parseStrictJson(await bodyOf(c));
        return c.json(await uplinks.audit(path, body));
      },
    }),
  );
}

async function bodyOf(c: RegistryContext): Promise<Uint8Array> {
  const sent = await readBytes(c.req.raw, { limit_bytes: SENT_LIMIT_BYTES });
  const encoding = c.req.header('content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return sent;
  if (encoding !== 'gzip') throw notGzip(`it is ${JSON.stringify(encoding.slice(0, 40))}`);
  try {
    return await unzipped(sent, { maxOutputLength: BODY_LIMIT_BYTES });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(BODY_LIMIT_BYTES);
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
