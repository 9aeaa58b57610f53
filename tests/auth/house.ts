/**
 * Identities over a real journal, real side stores and real keys in one directory, for the tests and for the processes
 * they start. Processes tell each other of the journal's head in a mapped file. Must not load the test runner.
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openIdentity, type Identity } from '../../src/auth/identity.ts';
import { Jwts } from '../../src/auth/jwt.ts';
import { openKeys } from '../../src/auth/keys.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { resourcesProjection } from '../../src/journal/resources.ts';
import { openSideStore, type SideStore } from '../../src/journal/side-store.ts';

export const OWNER = { actor: 'root@loopback' };
export const PASSWORD = 'four random words here';

export interface House extends Identity {
  readonly journal: Journal;
  readonly keyring: SideStore;
  readonly scratch: SideStore;
  readonly jwts: Jwts;
  readonly errors: unknown[];
  readonly announced: Float64Array;
  readonly end: () => Promise<void>;
}

export async function openHouse(directory: string, clock: () => number = Date.now): Promise<House> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const journal = openLocalJournal({
    path: join(directory, 'journal.db'),
    projections: [resourcesProjection],
    busyTimeoutMs: 20_000,
    clock,
  });
  const keyring = openSideStore({ path: join(directory, 'keyring.db'), durable: true, clock });
  const scratch = openSideStore({ path: join(directory, 'scratch.db'), durable: false, clock });
  const jwts = new Jwts(await openKeys(directory, clock), 'urn:13byte-config:test', clock);
  const announced = mapped(join(directory, 'announced'));
  journal.onAppend((entries) => void (announced[0] = Math.max(announced[0]!, entries.at(-1)!.seq)));
  const errors: unknown[] = [];
  const identity = await openIdentity({
    journal,
    keyring,
    scratch,
    clock,
    head: () => announced[0]!,
    verifyJwt: (token) => jwts.verify(token),
    onError: (error) => void errors.push(error),
  });
  const end = async (): Promise<void> => {
    identity.close();
    await journal.close();
    keyring.close();
    scratch.close();
  };
  return { ...identity, journal, keyring, scratch, jwts, errors, announced, end };
}

export function bearer(text: string): string {
  return `Bearer ${text}`;
}

/** A header that signs the user in by his password. */
export async function signedIn({ signIn, jwts }: House, name: string, password = PASSWORD): Promise<string> {
  const { user, epoch } = await signIn.withPassword(name, password);
  return bearer((await jwts.issue(user, epoch)).token);
}

/** A user with a password and a role over everything. */
export async function addUser(house: House, name: string, role: 'admin' | 'operator' | null = 'operator') {
  await house.users.create(name, {}, PASSWORD, OWNER);
  if (role !== null) await house.grants.create({ user: name, role, pattern: '*', sections: null }, OWNER);
}

function mapped(path: string): Float64Array {
  if (!existsSync(path)) writeFileSync(path, new Uint8Array(4096), { mode: 0o600 });
  return new Float64Array(Bun.mmap(path, { shared: true }).buffer);
}
