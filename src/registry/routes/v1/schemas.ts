/**
 * What `/api/v1` answers about configs, as schemas: the description for others is made of them, and the tests hold
 * every answer against them. Answers are ours and are not checked again at run time.
 * @module
 */
import { z } from 'zod';
import { CHANGE_KIND } from '../../../../bindings/abi.gen.ts';
import { CHANGED_FIELDS, CONFIG_FIELDS } from '../../../config/value.ts';
import type { Answer } from '../../route.ts';

const WORD = z.int().min(0).max(0xffffffff);
const BYTE = z.int().min(0).max(255);
export const REVISION = z.int().min(0);
export const AT = z.int().meta({ description: 'Milliseconds since 1970.' });
export const CURSOR = z.string().nullable().meta({ description: 'For the next page; null: that was all.' });
const PERCENT = z.number().min(0).max(100);
const PERCENTS = z.record(z.string(), PERCENT).meta({ description: 'Percent by feature, those above 0.' });
const FIELD = z.enum(CHANGED_FIELDS as readonly [string, ...string[]]);

const FIELDS = {
  version: BYTE,
  registryHash: WORD,
  featureFlags: WORD.meta({ description: 'Bit i is feature i; a set bit means on for everyone.' }),
  terminalMode: BYTE.meta({ description: '0 disabled, 1 cooked, 2 raw, 3 pipe.' }),
  rows: BYTE,
  cols: BYTE,
};
const PLAIN_CONFIG = z.object(FIELDS).meta({ id: 'ConfigFields', description: 'The fields of the 13 bytes.' });

export const CONFIG = z
  .object({
    name: z.string(),
    revision: REVISION.meta({ description: 'Rises with every change; the ETag.' }),
    ...FIELDS,
    lastModified: AT,
    checksum: z.string().meta({ description: "CRC-64/NVME of the config's record, 16 hexadecimal digits." }),
    environment: z.string(),
    region: z.string(),
    clusterId: z.string(),
    hex: z.string().meta({ description: '`0x` and 26 digits: the 13 bytes.' }),
    features: z.object({ enabled: z.array(z.string()), disabled: z.array(z.string()) }),
    rollouts: PERCENTS,
  })
  .meta({ id: 'Config', description: 'A config as it is at one revision.' });

const ISSUE = z
  .object({ code: z.string(), path: z.string(), message: z.string(), hint: z.string().optional() })
  .meta({ id: 'Issue', description: 'A finding of validation.' });

const WRITTEN_FIELDS = {
  config: CONFIG,
  changed: z.boolean().meta({ description: 'False where everything was so already.' }),
  warnings: z.array(ISSUE),
};
const WRITTEN = z.object(WRITTEN_FIELDS).meta({ id: 'Written', description: 'The config after a write.' });

export const VALIDATION = z.object({ isValid: z.boolean(), errors: z.array(ISSUE), warnings: z.array(ISSUE) });

export const CONFIG_PAGE = z.object({
  configs: z.array(CONFIG),
  count: z.int().meta({ description: 'How many there are in all.' }),
  cursor: CURSOR,
});

export const FEATURE = z
  .object({
    feature: z.string(),
    bit: z.int().min(0).max(31),
    enabled: z.boolean().meta({ description: 'On for everyone.' }),
    rollout: PERCENT,
  })
  .meta({ id: 'Feature', description: 'One feature of one config.' });

export const ROLLOUTS = z.object({ rollouts: PERCENTS });
export const DECLARATION = z.object({
  declaration: z.record(z.string(), z.int().min(12).max(31)).meta({ description: 'Bits by name.' }),
});

const CHANGE = z
  .object({
    revision: REVISION,
    seq: z.int().nullable().meta({ description: "The journal's sequence; null for a change without an entry." }),
    timestamp: AT,
    actor: z.string().nullable().meta({ description: 'null: its writer was killed before he could sign.' }),
    reason: z.string(),
    kind: z.enum([...Object.keys(CHANGE_KIND), 'unattributed']),
    changeType: z.enum(['create', 'update', 'reset']),
    changedFields: z.array(FIELD),
    before: PLAIN_CONFIG.nullable(),
    config: PLAIN_CONFIG,
    rollouts: PERCENTS.nullable(),
    performance: z.object({ readTime: z.number().nullable(), writeTime: z.number().nullable() }),
  })
  .meta({ id: 'Change', description: 'One change of the past.' });
export const HISTORY_PAGE = z.object({ entries: z.array(CHANGE), cursor: CURSOR });

const TIMES = { changes: z.int(), lastChange: AT.nullable() };
const COUNTS = z.object(TIMES);
const FIELD_COUNTS = Object.fromEntries(CHANGED_FIELDS.map((field) => [field, COUNTS]));
const FEATURE_COUNTS = z.object({
  enabled: z.int(),
  disabled: z.int(),
  rollouts: z.int(),
  evaluations: z.int(),
  lastChange: AT.nullable(),
});
export const ANALYTICS = z.object({
  ...TIMES,
  firstChange: AT.nullable(),
  changeInterval: z
    .object({ average: z.number().nullable(), last: z.number().nullable() })
    .meta({ description: 'Milliseconds between changes.' }),
  fields: z.object(FIELD_COUNTS),
  features: z.record(z.string(), FEATURE_COUNTS),
});

const MIGRATION_STEP = z.object({
  from: z.int(),
  to: z.int(),
  description: z.string(),
  changes: z.array(
    z.object({
      field: z.enum(CONFIG_FIELDS.map(({ name }) => name) as [string, ...string[]]),
      before: z.int(),
      after: z.int(),
    }),
  ),
});
export const HEAD = z
  .object({ seq: z.int(), hash: z.string(), at: AT })
  .meta({ id: 'Head', description: "A place in the journal's chain; kept elsewhere, it shows a rewritten past." });
const COPY_FIELDS = { path: z.string(), size_bytes: z.int(), head: HEAD };
export const COPY = z.object({ name: z.string(), ...COPY_FIELDS, sealed: z.boolean().optional() });
export const MIGRATED = z.object({
  ...WRITTEN_FIELDS,
  log: z.array(MIGRATION_STEP),
  backup: z.object({ ...COPY_FIELDS, sealed: z.boolean().optional() }).nullable(),
});

export const BACKUP_FILE = z
  .object({ name: z.string(), size_bytes: z.int(), createdAt: AT, sealed: z.boolean().optional() })
  .meta({ id: 'BackupFile' });

/** What a write of a config answers. */
export const WRITTEN_ANSWER: Readonly<Record<200, Answer>> = {
  200: { description: 'The config as it is now; on disk', schema: WRITTEN },
};
export const CREATED_ANSWER: Answer = { description: 'It was made; `Location` says where', schema: WRITTEN };

const DECLARED = {
  revision: REVISION.meta({ description: 'The ETag; 0 of what is built in.' }),
  modifiedAt: AT.nullable(),
  modifiedBy: z.string().nullable(),
  isBuiltin: z.boolean(),
};
export const TEMPLATE = z
  .object({
    name: z.string(),
    description: z.string(),
    set: z.array(z.string()).meta({ description: 'Features that it turns on.' }),
    clear: z.array(z.string()).meta({ description: 'Features that it turns off.' }),
    terminalMode: z.union([z.int(), z.string()]).optional(),
    rows: BYTE.optional(),
    cols: BYTE.optional(),
    ...DECLARED,
  })
  .meta({ id: 'Template', description: 'A named set of features and terminal settings.' });

const NAMES = z.array(z.string()).optional();
export const RULE = z
  .object({
    code: z.string(),
    severity: z.enum(['error', 'warning']),
    hint: z.string(),
    path: z.string().optional().meta({ description: 'Of a built-in one: the field it is about.' }),
    message: z.string().optional(),
    when: z
      .object({ on: NAMES, off: NAMES, environment: z.string().optional(), service: z.string().optional() })
      .optional(),
    require: z
      .object({
        on: NAMES,
        off: NAMES,
        terminalMode: z.union([z.int(), z.string()]).optional(),
        maxRollout: z.record(z.string(), PERCENT).optional(),
      })
      .optional(),
    ...DECLARED,
  })
  .meta({ id: 'Rule', description: 'What validation asks of a config. What a built-in one asks is code, not data.' });

const OUTCOME = z.object({ name: z.string(), revision: REVISION, changed: z.boolean() });
export const OUTCOMES = z.object({
  results: z.array(
    OUTCOME.extend({ config: CONFIG.nullable().meta({ description: 'null: it is gone.' }), warnings: z.array(ISSUE) }),
  ),
});
