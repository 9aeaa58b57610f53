/** What the routes share: the operations, who signs, and the way a write is answered. @module */
import type { Context, Env } from 'hono';
import type { ConfigOperations, Write, WrittenConfig } from '../live/operations.ts';
import { etagOf, expectedRevision } from './conditions.ts';
import type { Peer } from './peer.ts';

export interface RegistryEnv extends Env {
  Bindings: {
    readonly peer: Peer | null;
    /** Aborted when the server waits no longer for what clients have not sent yet. */
    readonly closing?: AbortSignal;
  };
  Variables: {
    /** False for a caller that may see what is public alone. */
    admitted: boolean;
    /** The config a write is about. */
    name: string;
  };
}

export type RegistryContext = Context<RegistryEnv>;

export interface Services {
  readonly operations: ConfigOperations;
  /** Who signs what comes in without an identity. */
  readonly actor: string;
}

interface Said {
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
}

/** Who writes, why and under which condition, from a request. Errors: those of `expectedRevision`. */
export async function writeOf(
  context: RegistryContext,
  { operations, actor }: Services,
  name: string,
  { reason, force }: Said,
): Promise<Write> {
  context.set('name', name);
  const expected = await expectedRevision(context.req.raw.headers, name, operations);
  return { actor, expected, ...(reason === undefined ? {} : { reason }), ...(force === undefined ? {} : { force }) };
}

export function answerWritten<W extends WrittenConfig>(context: RegistryContext, written: W): Response {
  context.header('etag', etagOf(written.config));
  return context.json(written);
}
