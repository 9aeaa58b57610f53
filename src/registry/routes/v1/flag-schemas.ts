/**
 * What the routes of flags take and answer, as schemas. Definitions are judged by src/flags, in the words of all its
 * users.
 * @module
 */
import { z } from 'zod';
import { IMPORT_FORMATS } from '../../../flags/import/conversion.ts';
import { STATUSES } from '../../../flags/import/findings.ts';
import { judgedBelow } from './inputs.ts';
import { AT, CURSOR, REVISION } from './schemas.ts';

const METADATA = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const RULES = z.record(z.string(), z.unknown()).meta({ description: 'JsonLogic, as flagd has it.' });

const FACTS = {
  clientVisible: z.boolean().meta({ description: 'Whether browser tokens see it.' }),
  description: z.string().nullable(),
  owner: z.string().nullable(),
  tags: z.array(z.string()),
  expiresAt: AT.nullable().meta({ description: 'When it should be gone, milliseconds since 1970; null: never.' }),
};

export const FACTS_INPUT = {
  clientVisible: judgedBelow(z.boolean()),
  description: judgedBelow(z.string().max(2000).nullable()),
  owner: judgedBelow(z.string().max(100).nullable()),
  tags: judgedBelow(z.array(z.string().min(1).max(50)).max(20)),
  expiresAt: judgedBelow(z.int().min(0).nullable()),
};

const STATE = z.enum(['ENABLED', 'DISABLED']);

const DEFINITION = z
  .object({
    state: STATE,
    variants: z.record(z.string(), z.unknown()),
    defaultVariant: z.string().nullable().optional(),
    targeting: RULES.optional(),
    metadata: METADATA.optional(),
  })
  .meta({ id: 'FlagDefinition', description: "A flag in flagd's format." });

/** A whole flag, or parts of one: what it is and what is said about it. */
export const FLAG_INPUT = {
  definition: judgedBelow(
    z.object({
      state: STATE,
      variants: z.record(z.string(), z.unknown()).meta({ description: 'Values of one type, by name.' }),
      defaultVariant: z.string().nullable().optional(),
      targeting: RULES.optional(),
      metadata: METADATA.optional(),
    }),
  ),
  ...FACTS_INPUT,
};

const CHANGED = {
  revision: REVISION.meta({ description: 'Rises with every change; the ETag.' }),
  modifiedAt: AT,
  modifiedBy: z.string(),
};

export const FLAG = z
  .object({
    config: z.string(),
    key: z.string(),
    definition: DEFINITION,
    ...FACTS,
    archivedAt: AT.nullable().meta({ description: 'An archived flag is not evaluated; null: it is in use.' }),
    isBound: z.boolean().meta({ description: 'The bit of the feature of this name follows it.' }),
    lastEvaluatedAt: AT.nullable(),
    ...CHANGED,
  })
  .meta({ id: 'Flag', description: 'A rich flag of one config.' });

const LISTED = {
  key: z.string(),
  kind: z.enum(['feature', 'rich']).meta({ description: 'A bound flag is a rich one.' }),
  type: z.enum(['boolean', 'string', 'number', 'object']),
  state: STATE,
  isBound: z.boolean(),
  isConstant: z.boolean().meta({ description: 'Everybody gets the same answer.' }),
  rollout: z.number().min(0).max(100).nullable().meta({ description: 'Of a feature, in percent.' }),
  ...FACTS,
  archivedAt: AT.nullable(),
  lastEvaluatedAt: AT.nullable().meta({ description: 'By anybody who asked over the network; null: never.' }),
  lastChangedAt: AT.nullable(),
  lastChangedBy: z.string().optional().meta({ description: 'Of a rich flag; of a feature, its history says it.' }),
};

export const FLAG_HISTORY = z.object({
  entries: z.array(
    z.object({
      revision: REVISION,
      seq: z.int().meta({ description: "The journal's sequence." }),
      timestamp: AT,
      actor: z.string(),
      reason: z.string(),
      kind: z.enum(['put', 'delete']),
      flag: z
        .object({ definition: DEFINITION, ...FACTS, archivedAt: AT.nullable(), isBound: z.boolean().optional() })
        .nullable()
        .meta({ description: 'As it was then; null: deleted, or erased.' }),
    }),
  ),
  cursor: CURSOR,
});

export const FLAG_PAGE = z.object({ flags: z.array(z.object(LISTED)), cursor: CURSOR });

export const STALE = z.object({
  flags: z.array(
    z.object({
      config: z.string(),
      ...LISTED,
      reasons: z.array(z.enum(['expired', 'not-evaluated', 'constant', 'rolled-out', 'archived-long'])),
    }),
  ),
  evaluationsSince: AT.meta({ description: 'Evaluations before this are not known.' }),
  cursor: CURSOR,
});

export const FLAG_SET = z
  .object({
    config: z.string(),
    evaluators: z.record(z.string(), z.unknown()).meta({ description: "flagd's `$evaluators`: rules by name." }),
    metadata: METADATA,
    revision: REVISION,
    modifiedAt: AT.nullable(),
    modifiedBy: z.string().nullable(),
  })
  .meta({ id: 'FlagSet', description: 'What the flags of a config share.' });

export const FLAG_SET_INPUT = {
  evaluators: judgedBelow(z.record(z.string(), z.unknown())),
  metadata: judgedBelow(METADATA),
};

export const FEATURE_FACTS = z
  .object({ feature: z.string(), bit: z.int().min(0).max(31), ...FACTS, revision: REVISION })
  .meta({ id: 'FeatureFacts', description: 'What is said about a feature of a service.' });

export const SERVICE_FACTS = z.object({ facts: z.array(FEATURE_FACTS) });

const FINDING = z
  .object({
    severity: z.enum(['info', 'warn', 'error']),
    code: z.string(),
    flag: z.string().nullable().meta({ description: 'By its key in the source; null: the file.' }),
    path: z.string().meta({ description: 'JSON pointer into the source.' }),
    message: z.string(),
    value: z.unknown().optional(),
  })
  .meta({ id: 'ImportFinding', description: 'Something that does not come over as it was.' });

export const IMPORTED = z.object({
  format: z.enum(IMPORT_FORMATS),
  flags: z.array(
    z.object({
      key: z.string(),
      status: z.enum(STATUSES),
      step: z.enum(['make', 'replace', 'none', 'skip']).meta({ description: 'What is done with it.' }),
      revision: z.int().meta({ description: 'That of the flag that was there before; 0: there was none.' }),
    }),
  ),
  findings: z.array(FINDING),
  written: z.int().meta({ description: 'How many flags were written; 0 of a dry run.' }),
});

export const IMPORT_INPUT = {
  text: z.string().meta({ description: 'The file, JSON.' }),
  format: z.enum(IMPORT_FORMATS).optional().meta({ description: 'Left out: told by its shape.' }),
  environment: z.string().max(200).optional(),
  segments: z.string().optional().meta({ description: 'A second file, with the segments.' }),
  partial: z.boolean().optional().meta({ description: 'Take flags also where a rule had to be left out.' }),
  userKey: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "Which field of the source is OpenFeature's targetingKey." }),
  contextMap: judgedBelow(z.record(z.string(), z.string())),
  prefix: z.string().max(100).optional().meta({ description: 'Put before every key.' }),
  expected: z
    .record(z.string(), z.int().min(0))
    .default({})
    .meta({ description: 'Revisions by key, as a dry run answered them: refused where one is another by now.' }),
  dryRun: z.boolean().default(false).meta({ description: 'Only say what would be done.' }),
};

export const FLAGD_FILE = z
  .object({
    $schema: z.string(),
    flags: z.record(z.string(), DEFINITION),
    $evaluators: z.record(z.string(), z.unknown()).optional(),
    metadata: METADATA.optional(),
  })
  .meta({ id: 'FlagdFile', description: 'A file of flags as flagd reads it.' });
