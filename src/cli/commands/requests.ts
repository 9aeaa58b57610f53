/** Commands about changes that wait: asked for, approved, made later, step by step. @module */
import { type Command, Option } from 'commander';
import { readDocument } from '../document.ts';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { openClient } from '../open-target.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import type { RegistryClient } from '../registry-client.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, facts, table, timeText, type Style } from '../text.ts';
import { parsePairs, parseTime } from '../values.ts';
import { CHANGE_REQUEST_STATES } from '../../changes/change-request.ts';
import { asObject } from '../../config/input.ts';
import { parsePercent, percentOf } from '../../config/rollout.ts';
import type { RequestSummary, RequestView } from '../../registry/routes/v1/change-request-shapes.ts';

const PATH = '/api/v1/change-requests';
const UNITS_S = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

export function addRequests(program: Command): void {
  const requests = group(program, 'requests', 'changes that wait: for a second person, or for their time');
  takes(requests.command('list'), ...REGISTRY)
    .description('list change requests, the newest first')
    .addOption(new Option('--state <state>', 'only those that are so').choices(CHANGE_REQUEST_STATES))
    .action(run(list));
  takes(requests.command('show'), ...REGISTRY)
    .description('show a change request, with what it would still change')
    .argument('<request>', 'its id')
    .action(run(show));
  proposing(requests.command('create'))
    .description('ask for a change of a config; made at once where nothing speaks for waiting')
    .argument('[field=value...]', 'as for c13 set')
    .addOption(new Option('--file <file>', 'operations, ramp or steps, as JSON or YAML'))
    .action(run(create));
  proposing(requests.command('ramp'))
    .description('roll a feature out step by step')
    .argument('<feature>')
    .argument('<percent...>', 'rising: 1 10 50 100')
    .requiredOption('--pause <time>', 'between two steps: 90s, 15m, 6h, 1d', parsePause)
    .option('--then-on', 'on for everyone with the last step')
    .action(run(ramp));
  deciding(requests.command('approve'), 'force')
    .description("approve somebody else's change; --force: also where the same was changed meanwhile")
    .action(run((session, id: string, options: Deciding) => decide(session, 'approve', id, options)));
  deciding(requests.command('reject'))
    .description("reject somebody else's change")
    .action(run((session, id: string, options: Deciding) => decide(session, 'reject', id, options)));
  deciding(requests.command('cancel'))
    .description('end a change that waits; the steps that were made stay')
    .action(run((session, id: string, options: Deciding) => decide(session, 'cancel', id, options)));
}

function proposing(command: Command): Command {
  return takes(command, ...REGISTRY, 'name', 'reason', 'force')
    .option('--at <time>', 'when; left out: as soon as it may', (text) => parseTime(text, '--at'))
    .option('--expires <time>', 'until when it must be approved (7 days)', (text) => parseTime(text, '--expires'))
    .option('--needs-approval', 'wait for somebody else in any case');
}

function deciding(command: Command, ...more: readonly 'force'[]): Command {
  return takes(command, ...REGISTRY, 'ifRevision', ...more)
    .argument('<request>', 'its id')
    .option('--note <text>', 'what you say to it');
}

async function list(session: Session, { state }: { state?: string }): Promise<Answer> {
  const client = await clientOf(session);
  const requests: RequestSummary[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { state, cursor };
    const page: { requests: RequestSummary[]; cursor: string | null } = await client.json(PATH, { query });
    requests.push(...page.requests);
    ({ cursor } = page);
  }
  const rows = requests.map((one) => [one.id, one.state, one.author, progressOf(one), dueText(one.due), one.reason]);
  const head = ['request', 'state', 'author', 'steps', 'due', 'reason'];
  return { data: { requests }, text: (style) => table(style, head, rows, 'reason') };
}

async function show(session: Session, id: string): Promise<Answer> {
  const view = await (await clientOf(session)).json<RequestView>(pathOf(id));
  return { data: view, text: (style) => shown(style, view) };
}

interface Proposing {
  readonly at?: number;
  readonly expires?: number;
  readonly needsApproval?: boolean;
}

async function create(session: Session, pairs: string[], options: Proposing & { file?: string }): Promise<Answer> {
  if ((pairs.length === 0) === (options.file === undefined)) {
    throw usageError('create', 'What is to be changed?', 'Give field=value pairs, or --file, and not both.');
  }
  const asked =
    options.file === undefined
      ? { operations: [{ name: session.name, set: parsePairs(pairs) }] }
      : asObject('file', await readDocument(options.file));
  return await propose(session, asked, options);
}

interface Ramping extends Proposing {
  readonly pause: number;
  readonly thenOn?: boolean;
}

async function ramp(session: Session, feature: string, texts: string[], options: Ramping): Promise<Answer> {
  const { pause: pause_s, thenOn } = options;
  const percents = texts.map((text) => percentOf(parsePercent(text)));
  return await propose(session, { ramp: { name: session.name, feature, percents, pause_s, thenOn } }, options);
}

async function propose(session: Session, asked: object, { at, expires, needsApproval }: Proposing): Promise<Answer> {
  const { reason, force } = session.options;
  const body = { at, ...asked, expiresAt: expires, needsApproval, reason, force };
  return told(await (await clientOf(session)).json<RequestView>(PATH, { method: 'POST', body }));
}

interface Deciding {
  readonly note?: string;
}

async function decide(session: Session, verb: string, id: string, { note }: Deciding): Promise<Answer> {
  const { force, ifRevision: expected } = session.options;
  const ask = { method: 'POST', body: { note, force }, expected } as const;
  return told(await (await clientOf(session)).json<RequestView>(`${pathOf(id)}/${verb}`, ask));
}

function told(view: RequestView): Answer {
  const when = view.due === null ? '' : `, due ${timeText(view.due)}`;
  const text = (style: Style): string => `${style.green(view.state)} ${clean(`request ${view.id}${when}`)}`;
  return { data: view, text };
}

function shown(style: Style, view: RequestView): string {
  const { diff, steps, approval, end, failure, problem, ...rest } = view;
  const said = {
    ...rest,
    due: dueText(view.due),
    createdAt: timeText(view.createdAt),
    expiresAt: timeText(view.expiresAt),
  };
  const by = { approval: decisionText(approval), end: decisionText(end) };
  const fault = failure ?? problem;
  const about = facts(style, { ...said, ...by, steps: progressOf({ steps }), problem: fault?.message ?? 'none' });
  const rows = diff.flatMap(({ step, stream, kind, changes, moved }) => [
    ...(kind === 'update' ? [] : [[`${step + 1}`, stream, kind, '', '', '']]),
    ...changes.map(({ field, before, after }) => [
      `${step + 1}`,
      stream,
      field,
      text(before),
      text(after),
      moved.join(' '),
    ]),
  ]);
  const head = ['step', 'stream', 'field', 'now', 'then', 'changed meanwhile'];
  return rows.length === 0 ? about : `${about}\n\n${table(style, head, rows, 'then')}`;
}

function decisionText(decision: RequestView['approval']): string {
  if (decision === null) return 'none';
  const { by, at, note } = decision;
  return `${by}, ${timeText(at)}${note === '' ? '' : `: ${note}`}`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @example progressOf(request) // '2/5' */
function progressOf({ steps }: Pick<RequestSummary, 'steps'>): string {
  return `${steps.filter(({ appliedAt }) => appliedAt !== null).length}/${steps.length}`;
}

function dueText(due: number | null): string {
  return due === null ? 'none' : timeText(due);
}

function parsePause(given: string): number {
  const [, count, unit] = /^(\d{1,8})([smhd])$/.exec(given) ?? [];
  if (count !== undefined) return Number(count) * UNITS_S[unit as keyof typeof UNITS_S];
  throw usageError('--pause', `--pause: '${given}' is no length of time`, 'Write 90s, 15m, 6h or 1d.');
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}

function clientOf(session: Session): Promise<RegistryClient> {
  return openClient(session.options, session.interrupt.signal);
}
