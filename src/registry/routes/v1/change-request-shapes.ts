/** Change requests as they are asked for and answered: the shapes, and the view of one. @module */
import { z } from 'zod';
import { CHANGE_REQUEST_STATES, dueAt, isOpen, nextStep, type ChangeRequest } from '../../../changes/change-request.ts';
import { OPERATIONS_MAX, STEPS_MAX } from '../../../changes/proposal.ts';
import { isConfigError } from '../../../errors/errors.ts';
import type { Resource } from '../../../journal/resources.ts';
import type { ChangeApplication } from '../../change-application.ts';
import type { Target } from '../../change-targets.ts';
import { TIME } from '../../parse.ts';
import { judgedBelow, PERCENT } from './inputs.ts';
import { AT, CURSOR, REVISION } from './schemas.ts';

const OPERATION = z.looseObject({ name: z.string().optional(), flag: z.string().optional() }).meta({
  description: [
    'On a config, what `bulk` takes: `{ name, set | template | rollback | reset | delete }`.',
    'On a flag: `{ flag: "<config>/<key>", put | patch | archive | restore | delete }`.',
  ].join(' '),
});
const OPERATIONS = z.array(OPERATION).min(1).max(OPERATIONS_MAX);
const PAUSE = z.int().min(0).meta({ description: 'Seconds after the step before.' });
const WHEN = z.union([z.int(), z.string()]).meta({ description: 'Milliseconds since 1970, or an ISO time.' });

/** One of `operations`, `ramp` and `steps`. */
export const PROPOSAL = {
  operations: judgedBelow(OPERATIONS),
  ramp: judgedBelow(
    z
      .strictObject({
        name: z.string(),
        feature: z.string(),
        percents: z.array(PERCENT).min(1).max(STEPS_MAX),
        pause_s: PAUSE,
        thenOn: z.boolean().optional(),
      })
      .meta({ description: 'One feature, step by step; `thenOn`: on for everyone with the last.' }),
  ),
  steps: judgedBelow(
    z
      .array(z.strictObject({ operations: OPERATIONS, at: WHEN.optional(), pause_s: PAUSE.optional() }))
      .min(1)
      .max(STEPS_MAX),
  ),
  at: TIME.optional(),
  expiresAt: TIME.optional(),
  needsApproval: z.boolean().optional(),
  force: z.boolean().optional(),
  reason: z.string().optional(),
};

export const NOTE = { note: z.string().max(1000).optional() };
export const STATE = z.enum(CHANGE_REQUEST_STATES);

const DECISION = z.object({ by: z.string(), at: AT, note: z.string() }).nullable();
const FIELDS = {
  id: z.string(),
  revision: REVISION.meta({ description: 'The ETag.' }),
  state: STATE,
  author: z.string(),
  reason: z.string(),
  createdAt: AT,
  expiresAt: AT.meta({ description: 'Until then it must be approved; milliseconds since 1970.' }),
  due: AT.nullable().meta({ description: 'When the next step is made; null: nothing is to be made now.' }),
  force: z.boolean(),
  needsApproval: z.boolean(),
  approval: DECISION,
  end: DECISION.meta({ description: 'Who rejected or cancelled it.' }),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
  touches: z.array(z.string()).meta({ description: 'The streams that it changes.' }),
};
const STEP = {
  at: AT.nullable(),
  pause_s: z.number(),
  appliedAt: AT.nullable().meta({ description: 'null: not yet.' }),
};
const DIFF = z.object({
  step: z.int(),
  stream: z.string(),
  revision: REVISION,
  kind: z.enum(['create', 'update', 'delete']),
  changes: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
  moved: z.array(z.string()).meta({ description: 'What somebody else has changed since it was asked for.' }),
});
export const REQUEST_PAGE = z.object({
  requests: z.array(z.object({ ...FIELDS, steps: z.array(z.object(STEP)) })),
  cursor: CURSOR,
});
/** Of `diff`: one step, or all. */
export const STEPS = z.enum(['next', 'all']).meta({ description: 'What `diff` is of: the next step, or all to come.' });
export const REQUEST = z
  .object({
    ...FIELDS,
    steps: z.array(z.object({ ...STEP, operations: z.array(OPERATION) })),
    diff: z.array(DIFF).meta({ description: 'What is still to come, from how things are now: the next step, or all.' }),
    problem: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why it could not be made as things are now.' }),
  })
  .meta({ id: 'ChangeRequest', description: 'A change that somebody asks for.' });

/** One of a list, as it is answered: without its operations. */
export function summaryOf({ key: id, revision, value }: Resource<ChangeRequest>) {
  const { author, base, premises: _, steps, approval, end, ...rest } = value;
  return {
    id,
    revision,
    ...rest,
    author: author.actor,
    due: dueAt(value),
    approval: decisionOf(approval),
    end: decisionOf(end),
    touches: base.map(({ stream }) => stream),
    steps: steps.map(({ at, pause_ms, appliedAt }) => ({ at, pause_s: pause_ms / 1000, appliedAt })),
  };
}

/** With its operations, and what it would still change: with the next step, or with all. */
export async function viewOf(
  found: Resource<ChangeRequest>,
  application: Pick<ChangeApplication, 'preview'>,
  which: z.infer<typeof STEPS> = 'next',
) {
  const { value } = found;
  const summary = summaryOf(found);
  const steps = summary.steps.map((step, i) => ({ ...step, operations: value.steps[i]!.operations }));
  try {
    const foreseen = isOpen(value) ? await application.preview(value, which) : [];
    const next = Math.max(nextStep(value), 0);
    const diff = foreseen.flatMap((step, i) => diffOf(value, next + i, step));
    return { ...summary, steps, diff, problem: null };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return { ...summary, steps, diff: [], problem: { code: error.code, message: error.message } };
  }
}

function diffOf({ base }: ChangeRequest, step: number, targets: readonly Target[]) {
  return targets.map(({ stream, revision, difference, moved }) => {
    const known = base.find((one) => one.stream === stream);
    const isFirst = revision > 0;
    return { step, stream, revision, ...difference, moved: known && isFirst ? moved(known.state) : [] };
  });
}

function decisionOf(decision: ChangeRequest['approval']) {
  return decision === null ? null : { by: decision.actor, at: decision.at, note: decision.note };
}

export type RequestSummary = ReturnType<typeof summaryOf>;
export type RequestView = Awaited<ReturnType<typeof viewOf>>;
