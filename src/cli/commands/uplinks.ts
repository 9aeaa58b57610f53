/** Commands about other registries that packages are taken from: list, set, remove, test. @module */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readSecretLines } from '../ask.ts';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { saidOf, uplinksOf, type UplinkView } from '../http-uplinks.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, type Style, table } from '../text.ts';
import { type AnyConfigError, ConfigError } from '../../errors/errors.ts';

export function addUplinks(program: Command): void {
  const uplinks = group(program, 'uplinks', 'other registries that packages are taken from');
  takes(uplinks.command('list'), ...REGISTRY)
    .description('list the uplinks in the order in which they are asked')
    .action(run(list));
  takes(uplinks.command('set'), ...REGISTRY, 'reason', 'ifRevision')
    .description('declare an uplink, or change one; what is left out stays as it is')
    .argument('<uplink>', 'a name for it')
    .argument('[address]', 'its http or https URL')
    .addOption(new Option('--ours', 'packages of these names are ours: nobody is asked for them'))
    .option('--pattern <pattern...>', "names that it is for: '@tools/*'; all if left out")
    .option('--order <number>', 'lower ones are asked first', whole)
    .option('--timeout <ms>', 'how long an answer is waited for', whole)
    .option('--retries <number>', 'attempts after the first', whole)
    .option('--max-age <seconds>', 'how long nobody asks again how a package is', whole)
    .option('--negative-age <seconds>', 'the same for what was not there', whole)
    .addOption(new Option('--off', 'do not ask it').conflicts('on'))
    .option('--on', 'ask it again')
    .addOption(new Option('--token-stdin', 'read a token for it from stdin').conflicts('user'))
    .option('--user <user>', 'sign in as this user; the password is read from stdin')
    .addOption(new Option('--no-credentials', 'take away what it is shown').conflicts(['user', 'tokenStdin']))
    .action(run(set));
  takes(uplinks.command('remove'), ...REGISTRY, 'ifRevision')
    .description('forget an uplink, with its credentials')
    .argument('<uplink>')
    .action(run(remove));
  takes(uplinks.command('test'), ...REGISTRY)
    .description('ask an uplink whether it is there; exit code 1 when it is not')
    .argument('<uplink>')
    .action(run(test));
}

interface SetOptions {
  readonly ours?: boolean;
  readonly pattern?: readonly string[];
  readonly order?: number;
  readonly timeout?: number;
  readonly retries?: number;
  readonly maxAge?: number;
  readonly negativeAge?: number;
  readonly off?: boolean;
  readonly on?: boolean;
  readonly tokenStdin?: boolean;
  readonly user?: string;
  readonly credentials: boolean;
}

async function list(session: Session): Promise<Answer> {
  const listed = await (await uplinksOf(session)).listed();
  const { uplinks, whyNobody } = listed;
  const rows = uplinks.map((uplink) => [uplink.name, addressOf(uplink), uplink.patterns.join(' '), stateOf(uplink)]);
  const nobody = whyNobody === null ? [] : [clean(`Nobody is asked: ${whyNobody}.`)];
  const shown = (style: Style): readonly string[] =>
    rows.length === 0 ? [] : [table(style, ['uplink', 'address', 'names', 'state'], rows)];
  return { data: listed, text: (style) => [...shown(style), ...nobody].join('\n') };
}

async function set(session: Session, name: string, address: string | undefined, options: SetOptions): Promise<Answer> {
  const { ours = false, pattern, order, timeout, retries, maxAge, negativeAge, off, on } = options;
  if (ours && address !== undefined) throw usageError('--ours', 'What is ours has no address', 'Give one of the two.');
  const target = await uplinksOf(session);
  const known = (await target.list()).find((uplink) => uplink.name === name && uplink.revision !== null);
  if (known === undefined && address === undefined && !ours) {
    throw usageError('address', `The uplink ${name} is new: it needs an address`, 'Give its URL, or --ours.');
  }
  const { revision, name: _name, hasCredentials: _had, rest_s: _rest, ...before } = known ?? {};
  const said = {
    url: ours ? null : address,
    patterns: pattern,
    order,
    timeout_ms: timeout,
    retries,
    maxAge_s: maxAge,
    negativeAge_s: negativeAge,
    isEnabled: off === true ? false : on,
    credentials: await credentialsOf(options),
  };
  const body = { ...before, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) };
  const { expected = revision ?? 0, reason } = saidOf(session);
  const uplink = await target.put(name, body, { expected, reason });
  return { data: uplink, text: (style) => `${style.green('set')} ${clean(`${name}: ${meaningOf(uplink)}`)}` };
}

/** undefined: they stay as they are. A secret is never an argument: other users of the machine can read those. */
async function credentialsOf({ tokenStdin, user, credentials }: SetOptions): Promise<object | null | undefined> {
  if (!credentials) return null;
  if (tokenStdin === true) return { token: (await readSecretLines('--token-stdin', 1))[0] };
  return user === undefined ? undefined : { user, password: (await readSecretLines('--user', 1))[0] };
}

async function remove(session: Session, name: string): Promise<Answer> {
  await (await uplinksOf(session)).remove(name, saidOf(session));
  return { data: { name }, text: () => `removed ${clean(name)}` };
}

async function test(session: Session, name: string): Promise<Answer> {
  const tested = await (await uplinksOf(session)).test(name);
  const { isReached, status, fault, duration_ms } = tested;
  if (isReached)
    return { data: tested, text: () => clean(`${name} answered ${status} in ${Math.round(duration_ms)} ms`) };
  const error = new ConfigError('ERR_UPLINK', {
    message: `The uplink ${name}: ${fault}`,
    hint: 'See that its address is right, and that this registry may reach it.',
    details: { uplink: name, package: '', fault: fault ?? '' },
  });
  return { data: tested, text: () => '', fault: error as AnyConfigError };
}

function addressOf({ url }: UplinkView): string {
  return url ?? 'nobody: they are ours';
}

function meaningOf({ url, patterns }: UplinkView): string {
  return url === null ? `nobody is asked for ${patterns.join(' ')}` : `${url} for ${patterns.join(' ')}`;
}

function stateOf({ isEnabled, rest_s, hasCredentials, revision }: UplinkView): string {
  const state = isEnabled ? (rest_s > 0 ? `left alone for ${rest_s} s` : 'on') : 'off';
  return [state, ...(hasCredentials ? ['with credentials'] : []), ...(revision === null ? ['by default'] : [])].join(
    ', ',
  );
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
