/** Where commands about flags work: only a registry evaluates flags and keeps them in step with features. @module */
import type { FlagSaid, FlagView, HttpFlags } from './http-flags.ts';
import { openClient } from './open-target.ts';
import type { Answer } from './printer.ts';
import { type Asking, isAsked, propose } from './proposals.ts';
import type { Session } from './session.ts';
import { clean, type Style } from './text.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';

/** The flags of the config that the command is about. Errors: those of `openClient`, ERR_NAME. */
export async function flagsOf(session: Session): Promise<HttpFlags> {
  const { HttpFlags } = await import('./http-flags.ts');
  return new HttpFlags(await openClient(session.options, session.interrupt.signal), session.name);
}

/** Why, and under which conditions. */
export function saidOf({ options }: Session): FlagSaid {
  const { reason, force, ifRevision } = options;
  return { reason, force, expected: ifRevision };
}

export interface AskedFlag {
  readonly key: string;
  /** As an operation of a change request: `{ put }`, `{ patch }`, `{ archive: true }`. */
  readonly change: Readonly<Record<string, unknown>>;
  readonly expected: number | undefined;
}

/** Makes the change, or asks for it. Errors: of `make`; ERR_REVISION_CONFLICT, and those of a change request. */
export async function submit(
  session: Session,
  asking: Asking,
  { key, change, expected }: AskedFlag,
  make: () => Promise<Answer>,
): Promise<Answer> {
  if (!isAsked(asking)) return await make();
  if (expected !== undefined) await expectRevision(session, key, expected);
  const { reason, force } = session.options;
  const operations = [{ flag: `${session.name}/${key}`, ...change }];
  const { at, propose: needsApproval } = asking;
  return await propose(session, { operations, at, needsApproval, reason, force });
}

/** A request watches what it was made on: the rest is to be as it was seen. */
async function expectRevision(session: Session, key: string, expected: number): Promise<void> {
  const actual = (await found((await flagsOf(session)).get(key)))?.revision ?? 0;
  if (actual === expected) return;
  const stream = `flag:${session.name}/${key}`;
  throw new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Expected revision ${expected} of ${stream}, but it is ${actual === 0 ? 'not there' : `at ${actual}`}`,
    hint: 'Somebody else changed it: look at the current state, then try again with its revision.',
    details: { stream, expected, actual },
  });
}

/** null where there is none. */
export async function found<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return null;
    throw error;
  }
}

const FACTS = ['clientVisible', 'description', 'owner', 'tags', 'expiresAt'] as const;

/** What people say about a flag; nothing where there is none. */
export function factsOf(flag: FlagView | null): Readonly<Record<string, unknown>> {
  return flag === null ? {} : Object.fromEntries(FACTS.map((fact) => [fact, flag[fact]]));
}

/** A flag that was written; at the revision `before` it was so already. */
export function changed(flag: FlagView, what: string, before?: number): Answer {
  const place = clean(`${flag.key} of ${flag.config}`);
  const revision = `revision ${flag.revision}`;
  const text = (style: Style): string =>
    flag.revision === before
      ? `${place}: it was so already (${revision})`
      : `${style.green(what)} ${place} (${revision})`;
  return { data: flag, text };
}
