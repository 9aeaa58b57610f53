/** Commands about changes that wait: asked for, approved, made later, step by step. @module */
import { type Command, Option } from 'commander';
import { readDocument } from '../document.ts';
import { usageError } from '../failure.ts';
import { hinting } from '../feature-hint.ts';
import { group } from '../group.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { clientOf, propose, REQUESTS_PATH, told } from '../proposals.ts';
import { dueText, progressOf, requestText } from '../request-text.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { table } from '../text.ts';
import { asPair, parseDue, parseDuration, parseMoment, parsePairs } from '../values.ts';
import { CHANGE_REQUEST_STATES } from '../../changes/change-request.ts';
import { asObject } from '../../config/input.ts';
import { parsePercent, percentOf } from '../../config/rollout.ts';
import type { RequestSummary, RequestView } from '../../registry/routes/v1/change-request-shapes.ts';

export function addRequests(program: Command): void {
  const requests = group(program, 'requests', 'changes that wait: for a second person, or for their time');
  takes(requests.command('list'), ...REGISTRY)
    .description('list change requests, the newest first')
    .addOption(new Option('--state <state>', 'only those that are so').choices(CHANGE_REQUEST_STATES))
    .action(run(list));
  takes(requests.command('show'), ...REGISTRY)
    .summary('show what it would change')
    .description('show a change request, step by step: what is there now, and what would be there then')
    .argument('<request>', 'its id')
    .action(run(show));
  proposing(requests.command('create'))
    .summary('ask for a change')
    .description('ask for a change of a config; made at once where nothing speaks for waiting')
    .argument('[field=value...]', 'as for c13 set')
    .addOption(new Option('--file <file>', 'operations, ramp or steps, as JSON or YAML; - reads stdin'))
    .action(run(create));
  proposing(requests.command('ramp'))
    .description('roll a feature out step by step')
    .argument('<feature>')
    .argument('<percent...>', 'rising: 1 10 50 100')
    .requiredOption('--pause <time>', 'between two steps: 90s, 15m, 6h, 1d', (text) => parseDuration(text, '--pause'))
    .option('--then-on', 'on for everyone with the last step')
    .action(run(ramp));
  deciding(requests.command('approve'), 'force')
    .summary("approve somebody else's change")
    .description("approve somebody else's change; --force: also where the same was changed meanwhile")
    .action(run((session, id: string, options: Deciding) => decide(session, 'approve', id, options)));
  deciding(requests.command('reject'))
    .description("reject somebody else's change")
    .action(run((session, id: string, options: Deciding) => decide(session, 'reject', id, options)));
  deciding(requests.command('cancel'))
    .summary('end a change that waits')
    .description('end a change that waits; the steps that were made stay')
    .action(run((session, id: string, options: Deciding) => decide(session, 'cancel', id, options)));
}

function proposing(command: Command): Command {
  return takes(command, ...REGISTRY, 'name', 'reason', 'force')
    .option('--at <time>', 'when, or 6h, 2d from now; left out: as soon as it may', (text) =>
      parseDue(text, '--at', Date.now()),
    )
    .option('--expires <time>', 'until when it must be approved; 6h, 2d from now (7d)', (text) =>
      parseMoment(text, '--expires', Date.now()),
    )
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
    const page: { requests: RequestSummary[]; cursor: string | null } = await client.json(REQUESTS_PATH, { query });
    requests.push(...page.requests);
    ({ cursor } = page);
  }
  const rows = requests.map((one) => [one.id, one.state, one.author, progressOf(one), dueText(one.due), one.reason]);
  const head = ['request', 'state', 'author', 'steps', 'due', 'reason'];
  return { data: { requests }, text: (style) => table(style, head, rows, 'reason', 'author') };
}

async function show(session: Session, id: string): Promise<Answer> {
  const view = await (await clientOf(session)).json<RequestView>(pathOf(id), { query: { steps: 'all' } });
  return { data: view, text: (style) => requestText(style, view) };
}

interface Proposing {
  readonly at?: number;
  readonly expires?: number;
  readonly needsApproval?: boolean;
}

async function create(session: Session, pairs: string[], options: Proposing & { file?: string }): Promise<Answer> {
  const { file, ...said } = options;
  if ((pairs.length === 0) === (file === undefined)) {
    throw usageError('create', 'What is to be changed?', 'Give field=value pairs, or --file, and not both.');
  }
  if (file === undefined) {
    const operations = [{ name: session.name, set: parsePairs(pairs) }];
    const asked = propose(session, { operations, ...bodyOf(session, said) });
    return await hinting(await session.target(), session.name, asked, asPair);
  }
  if (session.options.name !== undefined) {
    throw usageError('--name', '--name says nothing of a file', 'Name the config in each of its operations.');
  }
  const asked = withMoments(asObject('file', await readDocument(file)), file);
  return await propose(session, { ...asked, ...bodyOf(session, said) });
}

/** Times of a file may be written as those of options may. */
function withMoments(given: Readonly<Record<string, unknown>>, source: string): Readonly<Record<string, unknown>> {
  const now = Date.now();
  const dues = Object.entries(given).map(([field, value]) => {
    if (typeof value === 'string' && field === 'at') return [field, parseDue(value, `${source}: at`, now)];
    if (typeof value === 'string' && field === 'expiresAt')
      return [field, parseMoment(value, `${source}: expiresAt`, now)];
    if (field === 'steps' && Array.isArray(value)) return [field, value.map((step) => stepIn(step, source))];
    return [field, value];
  });
  return Object.fromEntries(dues);
}

function stepIn(step: unknown, source: string): unknown {
  const isObject = typeof step === 'object' && step !== null && !Array.isArray(step);
  return isObject ? withMoments(step as Readonly<Record<string, unknown>>, source) : step;
}

interface Ramping extends Proposing {
  readonly pause: number;
  readonly thenOn?: boolean;
}

async function ramp(session: Session, feature: string, texts: string[], options: Ramping): Promise<Answer> {
  const { pause: pause_s, thenOn } = options;
  const percents = texts.map((text) => percentOf(parsePercent(text)));
  const asked = { name: session.name, feature, percents, pause_s, thenOn };
  return await propose(session, { ramp: asked, ...bodyOf(session, options) });
}

/** What was given; the rest is not said, and stays as a file says it. */
function bodyOf(session: Session, { at, expires, needsApproval }: Proposing): Readonly<Record<string, unknown>> {
  const { reason, force } = session.options;
  const body = { at, expiresAt: expires, needsApproval, reason, force };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

interface Deciding {
  readonly note?: string;
}

async function decide(session: Session, verb: string, id: string, { note }: Deciding): Promise<Answer> {
  const { force, ifRevision: expected } = session.options;
  const ask = { method: 'POST', body: { note, force }, expected } as const;
  return told(await (await clientOf(session)).json<RequestView>(`${pathOf(id)}/${verb}`, ask));
}

function pathOf(id: string): string {
  return `${REQUESTS_PATH}/${encodeURIComponent(id)}`;
}
