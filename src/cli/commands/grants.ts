/** Commands about grants: list, create, update, delete. @module */
import { Argument, type Command, Option } from 'commander';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { allItems } from '../identity-target.ts';
import { CHANGES_IDENTITY, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, table } from '../text.ts';
import { ROLES, type Role } from '../../auth/rights.ts';
import type { GrantView } from '../../registry/identity-operations.ts';

export function addGrants(program: Command): void {
  const grants = group(program, 'grants', 'who may do what');
  takes(grants.command('list'), ...TARGET)
    .description('list the grants')
    .option('--user <user>', 'only those of this user')
    .action(run(list));
  takes(grants.command('create'), ...CHANGES_IDENTITY)
    .description('grant a role over streams')
    .argument('<user>', 'a user, or anonymous: everybody, as viewer only')
    .addArgument(new Argument('<role>').choices(ROLES))
    .argument('<pattern>', "of streams: 'config:checkout/*', 'package:@acme/*', '*'")
    .option('--section <pattern...>', "only this of configs: 'feature:new_*', terminal, version, registryHash")
    .option('--needs-approval', 'it allows to ask for changes, which somebody else approves')
    .action(run(create));
  takes(grants.command('update'), ...CHANGES_IDENTITY, 'ifRevision')
    .description('change a grant; its holder stays')
    .argument('<grant>', 'its id')
    .addOption(new Option('--role <role>', 'another role').choices(ROLES))
    .option('--pattern <pattern>', 'other streams')
    .option('--section <pattern...>', 'only this of configs')
    .addOption(new Option('--all-sections', 'all of configs').conflicts('section'))
    .addOption(new Option('--needs-approval', 'its changes must be approved').conflicts('needsNoApproval'))
    .option('--needs-no-approval', 'its changes count at once')
    .action(run(update));
  takes(grants.command('delete'), ...CHANGES_IDENTITY, 'ifRevision')
    .description('take a grant away')
    .argument('<grant>', 'its id')
    .action(run(remove));
}

async function list(session: Session, { user }: { user?: string }): Promise<Answer> {
  const target = await session.identity();
  const grants = await allItems((cursor) => target.grants({ cursor, user }));
  const rows = grants.map(({ id, sections, needsApproval, ...grant }) => [
    id,
    grant.user,
    grant.role,
    grant.pattern,
    (sections ?? ['all']).join(' ') + (needsApproval ? ', must be approved' : ''),
  ]);
  return { data: { grants }, text: (style) => table(style, ['grant', 'user', 'role', 'streams', 'sections'], rows) };
}

interface CreateOptions {
  readonly section?: readonly string[] | null;
  readonly needsApproval?: boolean;
}

async function create(
  session: Session,
  user: string,
  role: Role,
  pattern: string,
  { section: sections = null, needsApproval = false }: CreateOptions,
): Promise<Answer> {
  const grant = { user, role, pattern, sections, needsApproval };
  return granted(await (await session.identity()).createGrant(grant, session.write()), 'granted');
}

interface Changes {
  readonly role?: Role;
  readonly pattern?: string;
  readonly section?: readonly string[];
  readonly allSections?: boolean;
  readonly needsApproval?: boolean;
  readonly needsNoApproval?: boolean;
}

async function update(session: Session, id: string, options: Changes): Promise<Answer> {
  const { role, pattern, section, allSections, needsNoApproval } = options;
  const sections = allSections === true ? null : section;
  const needsApproval = needsNoApproval === true ? false : options.needsApproval;
  const fields = Object.entries({ role, pattern, sections, needsApproval }).filter(([, value]) => value !== undefined);
  if (fields.length === 0) {
    throw usageError('update', 'There is nothing to change', 'See: c13 grants update --help.');
  }
  const target = await session.identity();
  return granted(await target.updateGrant(id, Object.fromEntries(fields), session.write()), 'changed');
}

function granted(grant: GrantView, what: string): Answer {
  const { id, user, role, pattern, sections, needsApproval } = grant;
  const limits = [...(sections === null ? [] : [sections.join(' ')]), ...(needsApproval ? ['must be approved'] : [])];
  const limit = limits.length === 0 ? '' : ` (${limits.join(', ')})`;
  return {
    data: grant,
    text: (style) => `${style.green(what)} ${clean(`${user}: ${role} over ${pattern}${limit}, grant ${id}`)}`,
  };
}

async function remove(session: Session, id: string): Promise<Answer> {
  await (await session.identity()).deleteGrant(id, session.write());
  return { data: { id }, text: () => `took away grant ${clean(id)}` };
}
