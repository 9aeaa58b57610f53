/**
 * Who somebody is, as npm shows and changes it: `npm profile get`, `set`, `enable-2fa`, `disable-2fa`. For people
 * alone: whoever signed in, or a client that signed him in. What is asked for again is the password, and a code where
 * the user has a second factor.
 * @module
 */
import { z } from 'zod';
import { FACTOR_MODES, type FactorMode } from '../../auth/second-factor.ts';
import { may, type Principal } from '../../auth/rights.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { isPerson } from '../code-checks.ts';
import type { RegistryContext } from '../context.ts';
import type { UserView } from '../identity-operations.ts';
import { badRequest } from '../parse.ts';
import { route, type Route } from '../route.ts';
import type { IdentityServices } from '../routes/identity-shapes.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const PATH = '/-/npm/v1/user';
/** What npm knows of a profile and nobody keeps here. */
const NOT_KEPT = ['homepage', 'freenode', 'twitter', 'github'] as const;
const NOTHING = z.string().nullable().optional();

const TFA = z.union([
  z.tuple([z.string().max(64)]),
  z.object({ mode: z.enum([...FACTOR_MODES, 'disable']), password: z.string() }),
]);
const PASSWORDS = z.object({ old: z.string(), new: z.string() });
const CHANGES = {
  email: NOTHING,
  fullname: NOTHING,
  homepage: NOTHING,
  freenode: NOTHING,
  twitter: NOTHING,
  github: NOTHING,
  password: PASSWORDS.nullable().optional().meta({ expected: 'an object with old and new' }),
  tfa: TFA.nullable().optional().meta({ expected: 'an object with mode and password, or a list with one code' }),
};
const PROFILE = z.looseObject({ name: z.string(), tfa: z.unknown() }).meta({ id: 'Profile' });

type Changes = z.infer<z.ZodObject<typeof CHANGES>>;

export interface ProfileServices extends IdentityServices {
  /** Where the registry is reached. */
  readonly origin: () => string;
}

interface Asked {
  readonly c: RegistryContext;
  readonly services: ProfileServices;
  readonly user: string;
}

export function profileRoutes(services: ProfileServices): readonly Route[] {
  const common = { path: PATH, tag: PACKAGE_TAG, access: 'signed-in' } as const;
  return [
    route({
      ...common,
      method: 'get',
      summary: 'Your profile, as npm shows it',
      takesAnyQuery: true,
      answers: { 200: { description: 'Who you are, and whether you have a second factor', schema: PROFILE } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, principal }) => {
        c.header('cache-control', 'no-store');
        return c.json(await profileOf(services, userOf(principal)));
      },
    }),
    route({
      ...common,
      method: 'post',
      summary: 'Change your profile, your password or your second factor, as npm does',
      description:
        'What is left out or empty stays. An address is changed by administrators: a provider lets its owner in by it.',
      isSecret: true,
      asksCode: 'itself',
      body: CHANGES,
      example: { fullname: 'Ann' },
      answers: {
        200: { description: 'The profile as it is now; of a second factor, what comes next', schema: PROFILE },
      },
      errors: [
        'ERR_NOT_FOUND',
        'ERR_FORBIDDEN',
        'ERR_UNAUTHENTICATED',
        'ERR_OTP',
        'ERR_PASSWORD',
        'ERR_RATE_LIMITED',
        'ERR_BUSY',
      ],
      handle: async ({ c, principal, body }) => {
        requirePerson(principal);
        const asked = { c, services, user: userOf(principal) };
        c.header('cache-control', 'no-store');
        const tfa = body.tfa == null ? undefined : await changeFactor(asked, body.tfa);
        if (body.tfa == null) await changeProfile(asked, body);
        const profile = await profileOf(services, asked.user);
        return c.json(tfa === undefined ? profile : { ...profile, tfa });
      },
    }),
  ];
}

async function profileOf({ identity: { operations, factors } }: ProfileServices, user: string): Promise<object> {
  const { name, email, displayName, modifiedAt } = await operations.user(user);
  const factor = await factors.of(user);
  return {
    name,
    email: email ?? '',
    email_verified: false,
    fullname: displayName ?? '',
    ...Object.fromEntries(NOT_KEPT.map((field) => [field, ''])),
    created: null,
    updated: new Date(modifiedAt).toISOString(),
    cidr_whitelist: null,
    tfa: factor === null ? null : { mode: factor.mode, pending: factor.isPending },
  };
}

async function changeProfile({ c, services, user }: Asked, changes: Changes): Promise<void> {
  const { operations, codes } = services.identity;
  const before = await operations.user(user);
  for (const field of NOT_KEPT) if (changes[field]) throw notKept(field);
  requireSameEmail(c.get('principal'), before, changes.email);
  if (changes.password != null) return await changePassword({ c, services, user }, changes.password);
  const { fullname = null, email = null } = changes;
  const said = { displayName: fullname || null, email: email || before.email };
  if (said.displayName === before.displayName && said.email === before.email) return;
  await codes.require(user, codes.shown(c));
  await operations.updateUser(user, said, { actor: c.get('principal').actor, reason: 'npm profile set' });
}

async function changePassword({ c, services, user }: Asked, passwords: z.infer<typeof PASSWORDS>): Promise<void> {
  await confirm({ c, services, user }, passwords.old);
  const write = { actor: c.get('principal').actor, reason: 'npm profile set password' };
  await services.identity.operations.setPassword(user, passwords.new, write);
}

/** What npm hears of it: a link for an app, recovery codes, or null: it is done. */
async function changeFactor(asked: Asked, change: z.infer<typeof TFA>): Promise<string | readonly string[] | null> {
  const { user, services } = asked;
  const { factors } = services.identity;
  if (Array.isArray(change)) return await confirmFactor(asked, change[0]);
  const { mode, password } = change as { mode: FactorMode | 'disable'; password: string };
  const has = await factors.of(user);
  await confirm(asked, password);
  if (mode === 'disable') {
    if (has?.isPending === true) factors.forgetBegun(user);
    else if (has !== null) await factors.remove(user);
    return null;
  }
  if (has === null || has.isPending) return await factors.begin(user, mode, new URL(services.origin()).host);
  await factors.setMode(user, mode);
  return null;
}

async function confirmFactor({ user, services }: Asked, code: string): Promise<readonly string[]> {
  const { factors, codes } = services.identity;
  // Whoever has one shows that it is his before he gets another.
  const isBegun = (await factors.of(user))?.isPending === true;
  const recovery = isBegun ? await codes.guessed(user, () => factors.confirm(user, code)) : null;
  if (recovery !== null) return recovery;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: 'The code is not the one that your app makes now, or it is too long ago that you began',
    hint: 'See that the clock of the device is right, and begin again: npm profile enable-2fa.',
    details: { rule: 'second-factor' },
  });
}

/** His password, and his code if he has a second factor. */
async function confirm({ c, services, user }: Asked, password: string): Promise<void> {
  const { signIns, codes, addressOf } = services.identity;
  try {
    await signIns.confirmed(user, password, addressOf(c.req.raw, c.env.peer), codes.shown(c));
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
    throw new ConfigError('ERR_FORBIDDEN', {
      message: 'This is not your password',
      hint: 'Type the one that you sign in with.',
      details: { rule: 'current-password' },
    });
  }
}

function userOf({ user }: Principal): string {
  if (user !== null) return user;
  throw new ConfigError('ERR_NOT_FOUND', {
    message: 'There is no user yet, so there is no profile',
    hint: 'Make the first administrator with the setup link.',
    details: { what: 'profile' },
  });
}

/** A token for a program must not make itself the whole user. */
function requirePerson(principal: Principal): void {
  if (isPerson(principal) && principal.scope === null && !principal.readOnly) return;
  if (principal.kind === 'owner') return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${principal.actor} is a token for programs, and changes no profile`,
    hint: 'Sign in: npm login.',
    details: { rule: 'rights' },
  });
}

function requireSameEmail(principal: Principal, { name, email }: UserView, wanted: string | null | undefined): void {
  if (!wanted || wanted.toLowerCase() === email || may(principal, 'administer', `user:${name}`)) return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: 'Your address is changed by administrators: a provider would let its owner in by it',
    hint: 'Ask one: c13 users update.',
    details: { rule: 'rights' },
  });
}

function notKept(field: string): ConfigError {
  return badRequest(field, `A profile here has no ${field}`, 'It has an address (email) and a name (fullname).');
}
