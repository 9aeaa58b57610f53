/**
 * A change request as somebody reads it who is to approve it, or wants to know what it did: step by step, thing by
 * thing, what is there now and what would be there then, whole, however narrow the terminal is.
 * @module
 */
import { differingPaths, type PathChange } from './differing-paths.ts';
import { clean, durationText, facts, type Style, timeText, valueText, wrapped } from './text.ts';
import type { Operation } from '../changes/change-request.ts';
import type { RequestSummary, RequestView } from '../registry/routes/v1/change-request-shapes.ts';

type StepView = RequestView['steps'][number];
type Difference = RequestView['diff'][number];

/** What is known of it, then a block for each step. */
export function requestText(style: Style, view: RequestView): string {
  const blocks = view.steps.map((step, i) => [titleOf(style, view, i), ...targetsOf(style, view, step, i)].join('\n'));
  return [aboutText(style, view), ...blocks].join('\n\n');
}

/** @example progressOf(request) // '2/5' */
export function progressOf({ steps }: Pick<RequestSummary, 'steps'>): string {
  return `${steps.filter(({ appliedAt }) => appliedAt !== null).length}/${steps.length}`;
}

export function dueText(due: number | null): string {
  return due === null ? 'none' : timeText(due);
}

function aboutText(style: Style, view: RequestView): string {
  const { diff: _diff, touches: _touches, steps, approval, end, failure, problem, ...rest } = view;
  const said = {
    ...rest,
    due: dueText(view.due),
    createdAt: timeText(view.createdAt),
    expiresAt: timeText(view.expiresAt),
  };
  const by = { approval: decisionText(approval), end: decisionText(end) };
  const fault = failure ?? problem;
  return facts(style, { ...said, ...by, steps: progressOf({ steps }), problem: fault?.message ?? 'none' });
}

function decisionText(decision: RequestView['approval']): string {
  if (decision === null) return 'none';
  const { by, at, note } = decision;
  return `${by}, ${timeText(at)}${note === '' ? '' : `: ${note}`}`;
}

function titleOf(style: Style, view: RequestView, i: number): string {
  return style.bold(wrapped(style, `step ${i + 1} of ${view.steps.length}: ${whenText(view, i)}`));
}

/** Whether it was made, else when it is to be. */
function whenText({ steps, state, due }: RequestView, i: number): string {
  const { appliedAt, at, pause_s } = steps[i]!;
  if (appliedAt !== null) return `made ${timeText(appliedAt)}`;
  if (state !== 'proposed' && state !== 'scheduled') return 'not made';
  const isNext = steps.findIndex((step) => step.appliedAt === null) === i;
  if (isNext && due !== null) return `due ${timeText(due)}`;
  const after = i > 0 ? [`${durationText(pause_s)} after step ${i}`] : [];
  const conditions = [
    ...(at === null ? [] : [`not before ${timeText(at)}`]),
    ...(at !== null && pause_s === 0 ? [] : after),
  ];
  if (state === 'proposed' && isNext) conditions.push('once it is approved');
  return conditions.join(', ');
}

/** From how things are now where that is known, else as it was asked for. */
function targetsOf(style: Style, { diff }: RequestView, { operations }: StepView, i: number): string[] {
  const differences = diff.filter(({ step }) => step === i);
  return differences.length > 0
    ? differences.map((difference) => differenceText(style, difference))
    : operations.map((operation) => operationText(style, operation));
}

function differenceText(style: Style, { stream, kind, changes, moved }: Difference): string {
  const paths = changes.flatMap(({ field, before, after }) => differingPaths(field, before, after));
  const isThere = kind !== 'create';
  const fields = paths.flatMap((path) => [
    wrapped(style, clean(path.path), 4),
    ...(isThere ? [linesOf(style, 'now: ', path.path, path.before)] : []),
    ...(kind === 'delete' ? [] : [linesOf(style, 'then:', path.path, path.after)]),
  ]);
  const note =
    moved.length === 0 ? [] : [style.yellow(wrapped(style, clean(`changed meanwhile: ${moved.join(', ')}`), 4))];
  return [`  ${style.bold(clean(stream))}, ${kind}`, ...fields, ...note].join('\n');
}

/** What was asked for. */
function operationText(style: Style, { name, flag, ...verbs }: Operation): string {
  const stream = typeof name === 'string' ? `config:${name}` : `flag:${flag as string}`;
  const fields = Object.values(verbs).flatMap((wanted) => leaves(wanted));
  const values = fields.flatMap(({ path, after }) => [
    wrapped(style, clean(path), 4),
    linesOf(style, 'then:', path, after),
  ]);
  return [`  ${style.bold(clean(stream))}, ${clean(Object.keys(verbs).join(', '))}`, ...values].join('\n');
}

/** `true` of a verb says no more than the verb itself. */
function leaves(wanted: unknown): readonly PathChange[] {
  if (wanted === true) return [];
  if (typeof wanted !== 'object' || wanted === null) return [{ path: 'to', before: undefined, after: wanted }];
  return Object.entries(wanted).flatMap(([field, value]) => {
    const isGroup = field === 'features' || field === 'rollouts';
    return isGroup ? differingPaths(field, {}, value) : [{ path: field, before: undefined, after: value }];
  });
}

/** On one line where it fits, else on lines of its own. */
function linesOf(style: Style, label: string, path: string, value: unknown): string {
  const text = clean(valueText(path, value));
  const line = `      ${style.dim(label)} ${text}`;
  if (Bun.stringWidth(text) + label.length + 7 <= style.columns) return line;
  return `      ${style.dim(label)}\n${wrapped(style, JSON.stringify(value, null, 2), 8)}`;
}
