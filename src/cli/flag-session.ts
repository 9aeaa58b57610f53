/** Where commands about flags work: only a registry evaluates flags and keeps them in step with features. @module */
import type { FlagSaid, FlagView, HttpFlags } from './http-flags.ts';
import { openClient } from './open-target.ts';
import type { Answer } from './printer.ts';
import type { Session } from './session.ts';
import { clean } from './text.ts';

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

const FACTS = ['clientVisible', 'description', 'owner', 'tags', 'expiresAt'] as const;

/** What people say about a flag; nothing where there is none. */
export function factsOf(flag: FlagView | null): Readonly<Record<string, unknown>> {
  return flag === null ? {} : Object.fromEntries(FACTS.map((fact) => [fact, flag[fact]]));
}

/** A flag that was written. */
export function changed(flag: FlagView, what: string): Answer {
  const place = `${flag.key} of ${flag.config} (revision ${flag.revision})`;
  return { data: flag, text: (style) => `${style.green(what)} ${clean(place)}` };
}
