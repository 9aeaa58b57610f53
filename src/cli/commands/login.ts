/** Signing in to a registry and out again, and the way in for the first administrator. @module */
import type { Command } from 'commander';
import { askHidden, askText, readSecretLines } from '../ask.ts';
import { credentialsFile, forgetCredential, readCredential, storeCredential, type Credential } from '../credentials.ts';
import { openClient, registryOf } from '../open-target.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { RegistryClient, requireSafeWay } from '../registry-client.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, facts, timeText } from '../text.ts';
import { parseSetting, processVariables, readSetting } from '../../env/env.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import type { Grant } from '../../auth/rights.ts';

export function addLogin(program: Command): void {
  takes(program.command('login'), 'url', 'insecure')
    .description('sign in to a registry; its token is kept for the commands that follow')
    .option('--user <name>', 'who')
    .option('--password-stdin', 'read the password from stdin')
    .option('--code <code>', 'of your second factor, where you have one: of the app, or a recovery code')
    .action(run(login));
  takes(program.command('logout'), 'url', 'insecure').description('end the session, and forget it').action(run(logout));
  takes(program.command('whoami'), ...REGISTRY)
    .description('show who you are to the registry, and what you may do')
    .action(run(whoami));
  takes(program.command('setup-link'), 'data')
    .description('make the link for the first administrator; one made before ends')
    .option('--public-url <url>', 'where the registry is reached (C13_PUBLIC_URL, else C13_HOST and C13_PORT)')
    .action(run(setupLink));
}

interface LoginOptions {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly code?: string;
}

async function login(session: Session, options: LoginOptions): Promise<Answer> {
  const url = registryOf(session.options);
  requireSafeWay(url, session.options.insecure === true);
  const user = options.user ?? (await askText('User', '--user'));
  const password = options.passwordStdin
    ? (await readSecretLines('--password-stdin', 1))[0]!
    : await askHidden(`Password of ${user}`, '--password-stdin');
  const client = new RegistryClient({ url, signal: session.interrupt.signal });
  const { token, expiresAt } = parsed(await signedIn(client, { user, password, code: options.code }), url);
  storeCredential(credentialsFile(processVariables()), url, { token, expiresAt, user });
  return {
    data: { url, user, expiresAt },
    text: (style) => `${style.green('signed in')} to ${clean(url)} as ${clean(user)}, until ${timeText(expiresAt)}`,
  };
}

interface Proof {
  readonly user: string;
  readonly password: string;
  readonly code: string | undefined;
}

/** Asks for a code where there is a second factor. Here the advice to sign in would be none. */
async function signedIn(client: RegistryClient, proof: Proof): Promise<Partial<Credential>> {
  try {
    return await client.json('/api/v1/login', { method: 'POST', body: { ...proof } });
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_OTP' && error.details.why === 'missing') {
      return await signedIn(client, { ...proof, code: await askText('Code of your second factor', '--code') });
    }
    if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
    throw new ConfigError('ERR_UNAUTHENTICATED', {
      message: 'The name or the password is wrong',
      hint: 'Try again; an administrator can set a new password with: c13 users password.',
      details: error.details,
      cause: error,
    });
  }
}

function parsed({ token, expiresAt }: Partial<Credential>, url: string): Pick<Credential, 'token' | 'expiresAt'> {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) && Number.isSafeInteger(expiresAt)) {
    return { token, expiresAt: expiresAt! };
  }
  throw new ConfigError('ERR_REGISTRY_UNREACHABLE', {
    message: `What answers at ${url} is no registry`,
    hint: 'Name another one with --url.',
    details: { url },
  });
}

async function logout(session: Session): Promise<Answer> {
  const url = registryOf(session.options);
  const file = credentialsFile(processVariables());
  const known = readCredential(file, url);
  if (known !== null) {
    requireSafeWay(url, session.options.insecure === true);
    await end(new RegistryClient({ url, signal: session.interrupt.signal, token: known.token }));
    forgetCredential(file, url);
  }
  const ended = known !== null;
  return {
    data: { url, ended },
    text: () => (ended ? `signed out of ${clean(url)}` : `there is no session with ${clean(url)}`),
  };
}

/** One that the registry does not take any more is ended already. */
async function end(client: RegistryClient): Promise<void> {
  try {
    await client.answer('/api/v1/logout', { method: 'POST' });
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
  }
}

interface Whoami {
  readonly actor: string;
  readonly user: string | null;
  readonly kind: string;
  readonly grants: readonly Grant[];
  readonly scope: Whoami['grants'] | null;
  readonly readOnly: boolean;
}

async function whoami(session: Session): Promise<Answer> {
  const client = await openClient(session.options, session.interrupt.signal);
  const found = await client.json<Whoami>('/api/v1/whoami');
  const { actor, user, kind, grants, scope, readOnly } = found;
  const shown = { registry: client.url, actor, user, kind, grants: lines(grants), scope: lines(scope), readOnly };
  return { data: { url: client.url, ...found }, text: (style) => facts(style, shown) };
}

/** `operator config:checkout/* (feature:new_*), must be approved` */
function lines(grants: Whoami['grants'] | null): string[] | null {
  return (
    grants?.map(({ role, pattern, sections, needsApproval = false }) => {
      const covered = [role, pattern, ...(sections === null ? [] : [`(${sections.join(' ')})`])].join(' ');
      return covered + (needsApproval ? ', must be approved' : '');
    }) ?? null
  );
}

async function setupLink({ options: { data } }: Session, { publicUrl }: { publicUrl?: string }): Promise<Answer> {
  const { databaseIn } = await import('../../live/data-directory.ts');
  const { originOf, setupUrl } = await import('../../registry/owner-access.ts');
  const { openDatabaseIdentity } = await import('../database-identity.ts');
  const directory = data === undefined ? readSetting('dataDirectory') : parseSetting('dataDirectory', data, '--data');
  const identity = await openDatabaseIdentity(databaseIn(directory));
  try {
    const said =
      publicUrl === undefined ? readSetting('publicUrl') : parseSetting('publicUrl', publicUrl, '--public-url');
    const origin = said || originOf(readSetting('host'), readSetting('port'));
    const link = setupUrl(origin, await identity.createSetupLink());
    return { data: { link }, text: () => link };
  } finally {
    await identity.close();
  }
}
