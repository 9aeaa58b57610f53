/**
 * What holds over all users, grants and tokens, whoever changes them: a change that would break it is refused. Looks at
 * the state before and at the steps, and at nothing else.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Resource } from '../journal/resources.ts';
import type { IdentityState } from './identities.ts';
import type { Step } from './identity-changes.ts';
import { EVERYBODY, type HeldGrant, type Token, type User } from './identity-values.ts';

/** Grants, and tokens, of one user: what goes with him fits into one append. */
const MAX_HELD = 300;

interface Things {
  readonly users: ReadonlyMap<string, User>;
  readonly grants: ReadonlyMap<string, HeldGrant>;
  readonly tokens: ReadonlyMap<string, Token>;
}

/**
 * Throws ERR_FORBIDDEN (`last-admin`, `anonymous-viewer`), ERR_NOT_FOUND for a holder who is not there, ERR_BAD_REQUEST
 * for an address or subject that another user has, ERR_OUT_OF_RANGE for one grant or token too many.
 */
export function checkRules(state: IdentityState, steps: readonly Step[]): void {
  const before = { users: values(state.users), grants: values(state.grants), tokens: values(state.tokens) };
  const after = withSteps(before, steps);
  if (hasAdmin(before) && !hasAdmin(after)) throw lastAdmin();
  for (const { kind, key, value } of steps) {
    if (value === null) continue;
    if (kind === 'user') checkUnique(after.users, key, value);
    else checkHolder(after, kind, value);
  }
}

function withSteps(before: Things, steps: readonly Step[]): Things {
  const users = new Map(before.users);
  const grants = new Map(before.grants);
  const tokens = new Map(before.tokens);
  const apply = <V>(things: Map<string, V>, key: string, value: V | null): void =>
    void (value === null ? things.delete(key) : things.set(key, value));
  for (const step of steps) {
    if (step.kind === 'user') apply(users, step.key, step.value);
    else if (step.kind === 'grant') apply(grants, step.key, step.value);
    else apply(tokens, step.key, step.value);
  }
  return { users, grants, tokens };
}

/** Somebody who may do everything, and so let others in. */
function hasAdmin({ users, grants }: Things): boolean {
  return grants
    .values()
    .some(
      ({ user, role, pattern, needsApproval = false }) =>
        role === 'admin' && pattern === '*' && !needsApproval && users.get(user)?.isDisabled === false,
    );
}

function checkUnique(users: Things['users'], name: string, { email, oidcSubject }: User): void {
  for (const [other, theirs] of users) {
    if (other === name) continue;
    if (email !== null && theirs.email === email) throw taken('email', other);
    if (oidcSubject !== null && theirs.oidcSubject === oidcSubject) throw taken('oidcSubject', other);
  }
}

function checkHolder({ users, grants, tokens }: Things, kind: 'grant' | 'token', value: HeldGrant | Token): void {
  const { user } = value;
  if (kind === 'grant' && user === EVERYBODY) {
    if ((value as HeldGrant).role !== 'viewer') throw onlyViewer();
  } else if (!users.has(user)) {
    throw new ConfigError('ERR_NOT_FOUND', {
      message: `There is no user ${JSON.stringify(user)}`,
      hint: 'Make the user first.',
      details: { what: `user ${user}` },
    });
  }
  const count = countOf(kind === 'grant' ? grants : tokens, user);
  if (count > MAX_HELD) throw tooMany(kind, user, count);
}

function countOf(things: ReadonlyMap<string, { readonly user: string }>, user: string): number {
  let count = 0;
  for (const held of things.values()) if (held.user === user) count++;
  return count;
}

function values<T>(resources: ReadonlyMap<string, Resource<T>>): Map<string, T> {
  return new Map(resources.values().map(({ key, value }) => [key, value] as const));
}

function lastAdmin(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'Nobody would be left who may administer everything',
    hint: "Give somebody else the role admin over '*' first.",
    details: { rule: 'last-admin' },
  });
}

function onlyViewer(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${EVERYBODY} stands for everybody, signed in or not, and can be a viewer only`,
    hint: 'Grant other roles to users.',
    details: { rule: 'anonymous-viewer' },
  });
}

function taken(parameter: string, by: string): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: `The user ${by} has this ${parameter} already`,
    hint: 'Use another one, or change that user first.',
    details: { parameter },
  });
}

function tooMany(kind: 'grant' | 'token', user: string, value: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `${user} would have more than ${MAX_HELD} ${kind}s`,
    hint: 'Delete those that are no longer needed; one pattern can stand for many streams.',
    details: { field: `${kind}s`, value, min: 0, max: MAX_HELD },
  });
}
