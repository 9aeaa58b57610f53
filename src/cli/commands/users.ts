/** Commands about users: list, show, create, update, password, sign-out, delete. @module */
import { type Command, Option } from 'commander';
import { askHidden, askNewPassword, readSecretLines } from '../ask.ts';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { allItems } from '../identity-target.ts';
import { CHANGES_IDENTITY, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, facts, table, timeText } from '../text.ts';
import type { UserView } from '../../registry/identity-operations.ts';

export function addUsers(program: Command): void {
  const users = group(program, 'users', 'who may sign in');
  takes(users.command('list'), ...TARGET)
    .description('list the users')
    .action(run(list));
  takes(users.command('show'), ...TARGET)
    .description('show a user')
    .argument('<user>')
    .action(run(show));
  const create = takes(users.command('create'), ...CHANGES_IDENTITY).description('make a user; asks for a password');
  withFields(create.argument('<name>'))
    .option('--password-stdin', 'read the password from stdin')
    .addOption(new Option('--no-password', 'without one: only a provider can sign the user in'))
    .action(run(createUser));
  const update = takes(users.command('update'), ...CHANGES_IDENTITY, 'ifRevision').description('change a user');
  withFields(update.argument('<user>'))
    .addOption(new Option('--disable', 'end all sign-ins, and let tokens rest').conflicts('enable'))
    .option('--enable', 'let the user in again')
    .action(run(updateUser));
  takes(users.command('password'), ...CHANGES_IDENTITY)
    .description('set a password; ends all sign-ins of the user')
    .argument('<user>')
    .option('--password-stdin', 'read it from stdin; of your own user, the current one is in the line before it')
    .action(run(setPassword));
  takes(users.command('sign-out'), ...CHANGES_IDENTITY)
    .description('end all sign-ins of a user; tokens stay')
    .argument('<user>')
    .action(run(signOut));
  takes(users.command('reset-second-factor'), ...CHANGES_IDENTITY)
    .description('switch off the second factor of a user who has lost it; ends all sign-ins')
    .argument('<user>')
    .action(run(resetSecondFactor));
  takes(users.command('delete'), ...CHANGES_IDENTITY, 'ifRevision', 'yes')
    .description('delete a user, with all grants and tokens')
    .argument('<user>')
    .action(run(deleteUser));
}

/** '' takes a field away. */
function withFields(command: Command): Command {
  return command
    .option('--email <address>', 'by which a provider finds the user')
    .option('--display-name <text>', 'how people call the user')
    .option('--oidc-subject <text>', "who this is at the provider: '<issuer> <subject>'");
}

interface Fields {
  readonly email?: string;
  readonly displayName?: string;
  readonly oidcSubject?: string;
}

function fieldsOf({ email, displayName, oidcSubject }: Fields) {
  const entries = Object.entries({ email, displayName, oidcSubject }).filter(([, text]) => text !== undefined);
  return Object.fromEntries(entries.map(([field, text]) => [field, text === '' ? null : text]));
}

async function list(session: Session): Promise<Answer> {
  const target = await session.identity();
  const users = await allItems((cursor) => target.users({ cursor }));
  const rows = users.map((user) => [user.name, user.email ?? '', waysIn(user), timeText(user.modifiedAt)]);
  return { data: { users }, text: (style) => table(style, ['user', 'email', 'signs in with', 'modified'], rows) };
}

function waysIn({ isDisabled, hasPassword, oidcSubject }: UserView): string {
  if (isDisabled) return 'nothing: disabled';
  const ways = [...(hasPassword ? ['password'] : []), ...(oidcSubject === null ? [] : ['provider'])];
  return ways.join(', ') || 'nothing yet';
}

async function show(session: Session, name: string): Promise<Answer> {
  return shown(await (await session.identity()).user(name));
}

function shown(user: UserView): Answer {
  return { data: user, text: (style) => facts(style, { ...user, modifiedAt: timeText(user.modifiedAt) }) };
}

interface CreateOptions extends Fields {
  readonly passwordStdin?: boolean;
  /** Of --no-password: false. */
  readonly password?: boolean;
}

async function createUser(session: Session, name: string, options: CreateOptions): Promise<Answer> {
  const write = session.write();
  const target = await session.identity();
  const password = await newPassword(name, options);
  const user = await target.createUser({ name, password, ...fieldsOf(options) }, write);
  return {
    data: user,
    text: (style) =>
      `${style.green('made')} ${clean(name)}, who may do nothing yet: c13 grants create ${clean(name)} ...`,
  };
}

async function newPassword(name: string, { passwordStdin, password }: CreateOptions): Promise<string | null> {
  if (password === false) return null;
  if (passwordStdin === true) return (await readSecretLines('--password-stdin', 1))[0]!;
  return await askNewPassword(`Password of ${name}`, '--password-stdin or --no-password');
}

interface UpdateOptions extends Fields {
  readonly disable?: boolean;
  readonly enable?: boolean;
}

async function updateUser(session: Session, name: string, options: UpdateOptions): Promise<Answer> {
  const { disable, enable } = options;
  const isDisabled = disable === true ? { isDisabled: true } : enable === true ? { isDisabled: false } : {};
  const fields = { ...fieldsOf(options), ...isDisabled };
  if (Object.keys(fields).length === 0) {
    throw usageError('update', 'There is nothing to change', 'Name a field: see c13 users update --help.');
  }
  return shown(await (await session.identity()).updateUser(name, fields, session.write()));
}

async function setPassword(
  session: Session,
  name: string,
  { passwordStdin = false }: { passwordStdin?: boolean },
): Promise<Answer> {
  const write = session.write();
  const target = await session.identity();
  const isOwn = (await target.self()) === name;
  const lines = passwordStdin ? await readSecretLines('--password-stdin', isOwn ? 2 : 1) : null;
  const current = !isOwn ? undefined : (lines?.[0] ?? (await askHidden('Current password', '--password-stdin')));
  const password = lines?.at(-1) ?? (await askNewPassword(`New password of ${name}`, '--password-stdin'));
  await target.setPassword(name, password, write, current);
  return { data: { name }, text: (style) => `${style.green('set')}; all sign-ins of ${clean(name)} have ended` };
}

async function signOut(session: Session, name: string): Promise<Answer> {
  await (await session.identity()).signOut(name, session.write());
  return { data: { name }, text: () => `all sign-ins of ${clean(name)} have ended` };
}

async function resetSecondFactor(session: Session, name: string): Promise<Answer> {
  await (await session.identity()).resetSecondFactor(name, session.write());
  return { data: { name }, text: () => `${clean(name)} signs in without a second factor now` };
}

async function deleteUser(session: Session, name: string): Promise<Answer> {
  const write = session.write();
  await session.confirm(`Delete ${name}, with all grants and tokens?`);
  await (await session.identity()).deleteUser(name, write);
  return { data: { name }, text: () => `deleted ${clean(name)}` };
}
