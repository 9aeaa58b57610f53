/**
 * What several routes of `/api/v1` take: shapes of bodies, and the way from a request to the write it asks for. What a
 * field of a config may hold is said here and judged by `src/config`, in the words of all its users.
 * @module
 */
import { z } from 'zod';
import { configStream } from '../../../config/name.ts';
import type { ErrorCode } from '../../../errors/errors.ts';
import type { Write } from '../../../live/operations.ts';
import { writeOf, type RegistryContext, type Services } from '../../context.ts';
import { NAME_PARAM, WRITE } from '../../parse.ts';
import type { Need } from '../../route.ts';

export const NAMED = { name: NAME_PARAM };

/** Described by `schema`, and handed on as it came: a schema of records would drop a key `__proto__`. */
export function judgedBelow(schema: z.ZodType) {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: 'input', override: withoutOurs });
  return z
    .unknown()
    .optional()
    .meta({ override: ({ jsonSchema }) => void Object.assign(jsonSchema, described) });
}

/** What we say to `zod-openapi` and to our own refusals is followed, and is no part of a schema. */
function withoutOurs({ jsonSchema }: { jsonSchema: object }): void {
  const ours = jsonSchema as { override?: unknown; expected?: unknown; param?: unknown };
  const { override } = ours;
  for (const key of ['override', 'expected', 'param'] as const) delete ours[key];
  if (typeof override === 'function') override({ jsonSchema });
  else if (typeof override === 'object') Object.assign(jsonSchema, override);
}

const WORD = z.union([z.int().min(0).max(0xffffffff), z.string().regex(/^0x[0-9a-fA-F]{1,8}$/)]);
const SIZE = judgedBelow(z.int().min(1).max(255));
export const PERCENT = z.number().min(0).max(100);

/** The fields of a config, left-out ones stay; or its bytes, `hex` or `record`, alone. */
export const CONFIG_INPUT = {
  version: judgedBelow(z.int().min(0).max(1)),
  registryHash: judgedBelow(WORD),
  featureFlags: judgedBelow(WORD.meta({ description: 'The whole word: bits not given are cleared.' })),
  terminalMode: judgedBelow(z.union([z.int().min(0).max(3), z.enum(['disabled', 'cooked', 'raw', 'pipe'])])),
  rows: SIZE,
  cols: SIZE,
  features: judgedBelow(z.record(z.string(), z.boolean()).meta({ description: 'Single features by name.' })),
  rollouts: judgedBelow(z.record(z.string(), PERCENT).meta({ description: 'Percent by feature.' })),
  hex: judgedBelow(
    z
      .string()
      .regex(/^0x[0-9a-fA-F]{26}$/)
      .meta({ description: 'The 13 bytes, alone.' }),
  ),
  record: judgedBelow(
    z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/)
      .meta({ description: 'The 32 bytes of a record, alone.' }),
  ),
};

/** Where there is no body to say why. */
export const REASON_QUERY = { reason: z.string().optional() };
export const SAID = WRITE;

/** What the input of a config can be refused with. */
export const INPUT_ERRORS: readonly ErrorCode[] = [
  'ERR_OUT_OF_RANGE',
  'ERR_UNKNOWN_FEATURE',
  'ERR_CONFIG_INVALID',
  'ERR_CONFIG_LENGTH',
  'ERR_RECORD_MAGIC',
  'ERR_RECORD_CHECKSUM',
  'ERR_RECORD_RESERVED',
];
/** What a write of a config that has to be there can be refused with. */
export const CHANGE_ERRORS: readonly ErrorCode[] = ['ERR_NOT_FOUND', 'ERR_OUT_OF_RANGE', 'ERR_CONFIG_INVALID'];

interface OfConfig {
  readonly params: { readonly name: string };
}

export function reads({ params: { name } }: OfConfig): readonly Need[] {
  return [{ action: 'read', stream: configStream(name) }];
}

export function writes({ params: { name } }: OfConfig): readonly Need[] {
  return [{ action: 'write', stream: configStream(name) }];
}

/** The write of a config that must be there, unless the request wants to make it. Throws ERR_NOT_FOUND too. */
export async function changeOf(
  c: RegistryContext,
  services: Services,
  name: string,
  said: Parameters<typeof writeOf>[3],
): Promise<Write> {
  const write = await writeOf(c, services, name, said);
  if (write.expected !== 0) await services.operations.get(name);
  return write;
}
