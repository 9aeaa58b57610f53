/** Streams of one config: over a WebSocket in frames, and as server-sent events in JSON. @module */
import { audienceOf } from '../../config/audience.ts';
import { configStream } from '../../config/name.ts';
import { ConfigError } from '../../errors/errors.ts';
import { eventStream } from '../../http/event-stream.ts';
import { selectProtocol } from '../../websocket/client-message.ts';
import type { Leave, Listener } from '../../websocket/place.ts';
import type { Joining } from '../../websocket/joining.ts';
import type { Visitor } from '../../websocket/connection.ts';
import type { Room } from '../../websocket/room.ts';
import type { ServerMessage } from '../../websocket/subprotocol.ts';
import { readsConfig, type RegistryContext } from '../context.ts';
import { authorizationOf } from '../credentials.ts';
import { NAME, NAME_PARAM, WHOLE } from '../parse.ts';
import { route, type Route } from '../route.ts';
import type { SessionCookies } from '../session-cookie.ts';
import type { Streams } from '../streams.ts';

const SOCKET_PATH = '/_dashboard/ws';
const TAG = 'streams';
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;

export interface StreamServices {
  readonly streams: Streams;
  readonly identity: { readonly cookies: SessionCookies };
}

export function streamRoutes(services: StreamServices): readonly Route[] {
  return [socketRoute(services), eventsRoute(services)];
}

function socketRoute({ streams, identity: { cookies } }: StreamServices): Route {
  return route({
    method: 'get',
    path: SOCKET_PATH,
    tag: TAG,
    summary: 'A config as it changes, over a WebSocket',
    description:
      'The subprotocol is `bun.config.v1`. Where no header can be set, a token is offered beside it, as ' +
      '`c13.token.<token>`.',
    access: readsConfig,
    takesBrowser: true,
    query: {
      name: NAME,
      since: WHOLE.optional().meta({ description: 'The revision to go on from, instead of a snapshot.' }),
    },
    answers: { 101: { description: 'From here on, frames and JSON' } },
    errors: ['ERR_NAME', 'ERR_NOT_FOUND', 'ERR_STREAM', 'ERR_UPGRADE_REQUIRED'],
    handle: async ({ c, principal, query: { name, since = null } }) => {
      const { headers } = c.req.raw;
      const { upgrade } = c.env;
      if (headers.get('upgrade')?.toLowerCase() !== 'websocket' || upgrade === undefined) throw upgradeRequired();
      const protocol = selectProtocol(headers.get('sec-websocket-protocol'));
      // Other sites' pages could make a browser open it, with the cookie of whoever is signed in.
      const isByCookie = principal.kind === 'user' && authorizationOf(headers) === null;
      if (isByCookie) cookies.requireOwnPage(c.req.raw);
      const joining = await streams.hub.join(name, audienceOf(principal));
      const connection = joining.connect(visitorOf(streams, c, name, joining), since);
      if (upgrade(connection, protocol)) return new Response(null, { status: 101 });
      connection.abandon();
      throw noHandshake();
    },
  });
}

function eventsRoute({ streams }: StreamServices): Route {
  return route({
    method: 'get',
    path: '/api/v1/configs/:name/events',
    tag: TAG,
    summary: 'A config as it changes, as server-sent events',
    description: 'The id of an event is the revision; `Last-Event-ID` goes on from there.',
    access: ({ params }) => [{ action: 'read', stream: configStream(params.name) }],
    takesBrowser: true,
    cors: true,
    params: { name: NAME_PARAM },
    answers: { 200: { description: 'Events, until one of both ends it', contentType: 'text/event-stream' } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { name } }) => {
      const joining = await streams.hub.join(name, audienceOf(principal));
      return listen(c, joining, visitorOf(streams, c, name, joining));
    },
  });
}

function listen(c: RegistryContext, joining: Joining, visitor: Visitor): Response {
  const { room } = joining;
  let leave: Leave = () => {};
  const stream = eventStream({
    heartbeat_ms: HEARTBEAT_MS,
    retry_ms: RETRY_MS,
    closing: c.env.closing,
    onClose: (reason) => {
      leave(reason === 'slow' ? 'slow' : undefined);
      visitor.left();
    },
  });
  const send = (message: ServerMessage, data = JSON.stringify(message)): void => {
    const id = 'revision' in message ? { id: String(message.revision) } : {};
    stream.send({ ...id, event: message.type, data });
  };
  const listener: Listener = { visitor, tell: send, end: (reason) => stream.close(reason) };
  try {
    leave = joining.listen(listener);
  } catch (error) {
    stream.close('failed');
    throw error;
  }
  for (const message of [...greeting(room, c.req.header('last-event-id')), ...room.scheduled()]) send(message);
  return stream.response;
}

/** What somebody hears first: all, or what has changed since he was here. */
function greeting(room: Room, last = ''): readonly ServerMessage[] {
  if (last === '') return [room.snapshot()];
  const isKnown = /^\d{1,15}$/.test(last) && Number(last) <= room.revision;
  if (!isKnown) return [gone(last), room.snapshot()];
  // What a page saw at the same revision may have become hidden.
  const isSame = last === String(room.revision) && room.audience === 'all';
  return [room.names(), ...(isSame ? [] : [room.change().message])];
}

function visitorOf(streams: Streams, c: RegistryContext, name: string, joining: Joining): Visitor {
  try {
    return streams.visitor(c, name);
  } catch (error) {
    joining.giveUp();
    throw error;
  }
}

function gone(last: string): ServerMessage {
  return {
    type: 'error',
    code: 'ERR_REVISION_GONE',
    message: `There is no revision ${JSON.stringify(last.slice(0, 20))} to go on from`,
    hint: 'Go on from the snapshot that follows.',
  };
}

function upgradeRequired(): ConfigError<'ERR_UPGRADE_REQUIRED'> {
  return new ConfigError('ERR_UPGRADE_REQUIRED', {
    message: `${SOCKET_PATH} is a WebSocket`,
    hint: 'Open it with a WebSocket client (ws:// or wss://); GET /api/v1/configs/:name/events has the same as events.',
    details: { protocol: 'websocket' },
  });
}

function noHandshake(): ConfigError<'ERR_STREAM'> {
  return new ConfigError('ERR_STREAM', {
    message: 'The request is no whole WebSocket handshake',
    hint: 'Send Sec-WebSocket-Key and Sec-WebSocket-Version 13, as clients do by themselves.',
    details: { fault: 'handshake' },
  });
}
