/** What the routes share: the operations, who signs, and the way a write is answered. @module */
import type { Context, Env, Hono } from 'hono';
import { approvalRequired, forbiddenSections, may, mayPropose, requireRight, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { ConfigError, type ErrorCode } from '../errors/errors.ts';
import type { Flags } from '../flags/flags.ts';
import type { ConfigOperations, Write, WrittenConfig } from '../live/operations.ts';
import type { ConfigCache, RenderedConfig } from './config-cache.ts';
import type { BodyPatience } from './body.ts';
import { etagOf, expectedRevision, findConfig, isKnownToReader } from './conditions.ts';
import type { RequestSpan } from '../logging/tracing.ts';
import { checkMaintained } from './own-config.ts';
import type { Peer } from './peer.ts';
import type { Need } from './route.ts';
import type { SocketClient } from './serve.ts';

export interface RegistryEnv extends Env {
  Bindings: BodyPatience & {
    readonly peer: Peer | null;
    /** Where the trace hears what becomes known on the way. */
    readonly span?: RequestSpan;
    /** Makes a WebSocket of the connection, in a subprotocol or in none; false: the request is no handshake. */
    readonly upgrade?: (client: SocketClient, protocol: string | null) => boolean;
    /** The answer may take its time: the connection stays while nothing comes. */
    readonly patient?: () => void;
  };
  Variables: {
    /** Who asks; anonymous until he is known. */
    principal: Principal;
    /** Looks once more at who asks; sets `principal` and `refusal`. */
    identifyAgain: () => Promise<void>;
    /** Looks once more at who asks and what he may; throws as at the first time. Undefined where anybody may. */
    admitAgain: (() => Promise<void>) | undefined;
    /** Why what he said of himself does not count; null: it does, or he said nothing. */
    refusal: ConfigError | null;
    /** In every line of the log about this request, and in its answer. */
    requestId: string;
    /** The client's address; null without a connection. */
    address: string | null;
    /** What the limit says that the request was counted against. */
    limitHeaders: Headers | undefined;
    /** What went wrong; undefined: nothing did. */
    failure: ErrorCode | undefined;
    /** Whether no route is there, though the pattern of one may have looked so. */
    isUnrouted: boolean | undefined;
    /** Nothing changes but what ends the maintenance. */
    isMaintained: boolean | undefined;
    /** What a conditional write is about, as it is now; null where there is none. */
    current: (() => Promise<unknown>) | undefined;
  };
}

export type RegistryContext = Context<RegistryEnv>;
export type RegistryApp = Hono<RegistryEnv>;

export interface Services {
  readonly operations: ConfigOperations;
}

export interface ReadServices extends Services {
  /** Configs as they are answered. */
  readonly cache: Pick<ConfigCache, 'read'>;
  /** What of them pages may see. */
  readonly flags: Pick<Flags, 'sourceOf'>;
}

interface Said {
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
}

/** Which configs a principal may see; undefined: all, without asking for each. */
export function isVisible(principal: Principal): ((name: string) => boolean) | undefined {
  if (may(principal, 'read', 'config:*')) return undefined;
  return (name) => may(principal, 'read', configStream(name));
}

/** The right to read one config. */
export function readsConfig({ query: { name } }: { readonly query: { readonly name: string } }): readonly Need[] {
  return [{ action: 'read', stream: configStream(name) }];
}

/** The right to write one config; which of its sections is asked when it is known what changes. */
export function writesConfig({ query: { name } }: { readonly query: { readonly name: string } }): readonly Need[] {
  return [{ action: 'write', stream: configStream(name) }];
}

/** Who writes, why and under which condition, from a request. Errors: those of `expectedRevision`. */
export async function writeOf(
  context: RegistryContext,
  { operations }: Services,
  name: string,
  { reason, force }: Said,
): Promise<Write> {
  return {
    ...signatureOf(context),
    expected: await expectedOf(context, () => findConfig(name, operations)),
    ...(reason === undefined ? {} : { reason }),
    ...(force === undefined ? {} : { force }),
  };
}

/**
 * The revision of what a write is about that the request asks for; where that does not hold, the answer shows what
 * `find` finds then. Errors: those of `expectedRevision`.
 */
export async function expectedOf(
  context: RegistryContext,
  find: () => Promise<{ readonly revision: number } | null>,
): Promise<number | undefined> {
  context.set('current', find);
  return await expectedRevision(context.req.raw.headers, async () => (await find())?.revision ?? 0);
}

/** Who signs, and what of a config he may touch. */
export function signatureOf(context: RegistryContext): Pick<Write, 'actor' | 'permit'> {
  return signatureFor(context.get('principal'), context.get('isMaintained') === true);
}

/** The same of whoever it is; `isMaintained`: nothing may change but what ends the maintenance. */
export function signatureFor(principal: Principal, isMaintained: boolean): Pick<Write, 'actor' | 'permit'> {
  return {
    actor: principal.actor,
    permit: (stream, touched) => {
      if (isMaintained) checkMaintained(stream, touched);
      permit(principal, stream, touched);
    },
  };
}

/** Whether he may change these sections of a config. Throws ERR_FORBIDDEN, ERR_APPROVAL_REQUIRED. */
export function permit(principal: Principal, stream: string, touched: readonly string[]): void {
  requireRight(principal, 'write', stream);
  const refused = forbiddenSections(principal, stream, touched);
  if (refused.length === 0) return;
  if (mayPropose(principal, stream, touched)) throw approvalRequired(principal, stream);
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${principal.actor} may not change ${refused.join(', ')} of ${stream}`,
    hint: 'Ask an administrator for a grant on these sections.',
    details: { rule: 'sections' },
  });
}

export function answerConfig(context: RegistryContext, config: RenderedConfig): Response {
  context.header('etag', config.etag);
  context.header('cache-control', context.get('principal').isBrowser === true ? 'private, no-cache' : 'no-cache');
  if (isKnownToReader(context.req.raw.headers.get('if-none-match'), config.etag)) return context.body(null, 304);
  return context.body(config.json, 200, { 'content-type': 'application/json' });
}

export function answerWritten<W extends WrittenConfig>(context: RegistryContext, written: W): Response {
  context.header('etag', etagOf(written.config));
  return context.json(written);
}
