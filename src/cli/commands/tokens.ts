/** Commands about API tokens and signing keys. @module */
import { type Command, Option } from 'commander';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { allItems } from '../identity-target.ts';
import { CHANGES_IDENTITY, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, table, timeText } from '../text.ts';
import { parseMoment } from '../values.ts';
import { ROLES, type Grant, type Role } from '../../auth/rights.ts';
import type { KeyView, TokenView } from '../../registry/identity-operations.ts';

/** At the end of a grant: no section is called so. */
const NEEDS_APPROVAL = 'needs-approval';

export function addTokens(program: Command): void {
  const tokens = group(program, 'tokens', 'API tokens, for programs');
  takes(tokens.command('list'), ...TARGET)
    .description('list your tokens; for administrators all')
    .option('--user <user>', 'only those of this user')
    .action(run(list));
  takes(tokens.command('create'), ...CHANGES_IDENTITY)
    .description('make a token; it is shown once')
    .argument('<name>', 'what it is for: ci')
    .option('--user <user>', 'whose; your own when left out')
    .option('--read-only', 'it can only read')
    .option('--scope <grant...>', "less than the user may: 'operator config:checkout/*', with sections behind it")
    .option('--browser', "for web pages, where anybody may find it; with --scope 'viewer config:...'")
    .option('--cidr <network...>', 'the networks it is taken from: 10.0.0.0/8; left out: any')
    .option('--expires <when>', 'a time, or 90d, 12h from now (90d)', (text) =>
      parseMoment(text, '--expires', Date.now()),
    )
    .action(run(create));
  takes(tokens.command('update'), ...CHANGES_IDENTITY, 'ifRevision')
    .description('change what a token is called, and what it may do')
    .argument('<token>', 'its id: the part after c13_')
    .option('--rename <name>', 'what it is for')
    .addOption(new Option('--read-only', 'it can only read').conflicts('readWrite'))
    .option('--read-write', 'it can do what its user can, within its scope')
    .addOption(new Option('--scope <grant...>', 'less than the user may, as for create').conflicts('allStreams'))
    .option('--all-streams', 'all that the user may')
    .action(run(update));
  takes(tokens.command('delete'), ...CHANGES_IDENTITY, 'ifRevision')
    .description('revoke a token, from the next request on')
    .argument('<token>', 'its id: the part after c13_')
    .action(run(remove));
  const keys = group(program, 'keys', 'the keys that sign sessions');
  takes(keys.command('list'), ...TARGET)
    .description('list the keys, the newest first')
    .action(run(listKeys));
  takes(keys.command('rotate'), ...TARGET)
    .description('sign with a new key from now on; what the old ones signed stays good until it expires')
    .action(run(rotateKeys));
}

async function list(session: Session, { user }: { user?: string }): Promise<Answer> {
  const target = await session.identity();
  const tokens = await allItems((cursor) => target.tokens({ cursor, user }));
  const rows = tokens.map((token) => [
    token.id,
    token.user,
    token.name,
    limitsOf(token),
    timeText(token.expiresAt),
    token.lastUsedAt === null ? 'never' : timeText(token.lastUsedAt),
  ]);
  const head = ['token', 'user', 'name', 'limits', 'expires', 'last used'];
  return { data: { tokens }, text: (style) => table(style, head, rows, 'limits') };
}

function limitsOf({ scope, readOnly, isBrowser, cidrs }: TokenView): string {
  const kind = isBrowser ? ['browser'] : readOnly ? ['read-only'] : [];
  const networks = cidrs === null ? [] : [`from ${cidrs.join(' ')}`];
  return [...kind, ...(scope ?? []).map(scopeText), ...networks].join(', ') || 'none';
}

function scopeText({ role, pattern, sections, needsApproval = false }: Grant): string {
  return [role, pattern, ...(sections ?? []), ...(needsApproval ? [NEEDS_APPROVAL] : [])].join(' ');
}

interface CreateOptions {
  readonly user?: string;
  readonly readOnly?: boolean;
  readonly browser?: boolean;
  readonly scope?: readonly string[];
  readonly cidr?: readonly string[];
  readonly expires?: number;
}

async function create(session: Session, name: string, options: CreateOptions): Promise<Answer> {
  const write = session.write();
  const { browser: isBrowser = false, readOnly = isBrowser, expires: expiresAt, scope: texts } = options;
  const { cidr: cidrs = null } = options;
  const scope = texts?.map(parseScope) ?? null;
  const target = await session.identity();
  const user = options.user ?? (await target.self());
  if (user === null) throw usageError('--user', 'You are no user whose token it could be', 'Name one with --user.');
  const made = await target.createToken({ user, name, scope, readOnly, isBrowser, cidrs, expiresAt }, write);
  return {
    data: made,
    text: () => made.secret,
    isSecret: true,
    remark: (style) =>
      style.dim(clean(`token ${made.id} of ${user}, until ${timeText(made.expiresAt)}; it is not shown again`)),
  };
}

/** `operator config:checkout/* feature:new_* needs-approval` */
function parseScope(text: string): Grant {
  const [role = '', pattern, ...rest] = text.split(' ').filter((word) => word !== '');
  if (ROLES.some((known) => known === role) && pattern !== undefined) {
    const sections = rest.filter((word) => word !== NEEDS_APPROVAL);
    const needsApproval = sections.length < rest.length;
    return { role: role as Role, pattern, sections: sections.length === 0 ? null : sections, needsApproval };
  }
  throw usageError(
    '--scope',
    `--scope: '${text}' is no grant`,
    `Write '<${ROLES.join('|')}> <pattern> [section ...] [${NEEDS_APPROVAL}]'.`,
  );
}

interface UpdateOptions {
  readonly rename?: string;
  readonly readOnly?: boolean;
  readonly readWrite?: boolean;
  readonly scope?: readonly string[];
  readonly allStreams?: boolean;
}

async function update(session: Session, id: string, options: UpdateOptions): Promise<Answer> {
  const { rename: name, readWrite, allStreams } = options;
  const readOnly = readWrite === true ? false : options.readOnly;
  const scope = allStreams === true ? null : options.scope?.map(parseScope);
  const fields = Object.entries({ name, readOnly, scope }).filter(([, value]) => value !== undefined);
  if (fields.length === 0) {
    throw usageError('update', 'There is nothing to change', 'See: c13 tokens update --help.');
  }
  const target = await session.identity();
  const token = await target.updateToken(id, Object.fromEntries(fields), session.write());
  return {
    data: token,
    text: (style) =>
      `${style.green('changed')} ${clean(`${token.user}/${token.name}: limits ${limitsOf(token)}, token ${id}`)}`,
  };
}

async function remove(session: Session, id: string): Promise<Answer> {
  await (await session.identity()).deleteToken(id, session.write());
  return { data: { id }, text: () => `revoked token ${clean(id)}` };
}

async function listKeys(session: Session): Promise<Answer> {
  return keysAnswer(await (await session.identity()).keys());
}

async function rotateKeys(session: Session): Promise<Answer> {
  return keysAnswer(await (await session.identity()).rotateKeys());
}

function keysAnswer(keys: readonly KeyView[]): Answer {
  const rows = keys.map(({ kid, isSigning }) => [kid, isSigning ? 'signs' : 'verifies only']);
  return { data: { keys }, text: (style) => table(style, ['key', 'state'], rows) };
}
