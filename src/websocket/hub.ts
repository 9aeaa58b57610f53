/**
 * Who listens to which config. A room is opened for each config and audience that somebody listens to; a change is
 * encoded once there, and handed to all by one publish. Who does not read, and who may no longer listen, is dropped
 * with a reason. Knows no user and no route: what somebody may is asked of the visitor he came with.
 * @module
 */
import type { Entry } from '../journal/journal.ts';
import type { StreamDrop } from '../metrics/figures.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Audience } from '../config/audience.ts';
import type { Connection, KnownPackage, Socket, Visitor } from './connection.ts';
import { Joining } from './joining.ts';
import { Leaving } from './leaving.ts';
import { keyOf, Place, type Leave, type Listener } from './place.ts';
import { Room, type RoomOptions, type Update } from './room.ts';
import { CLOSE, packageFrame, type Published } from './subprotocol.ts';

/** What may wait for one client. */
const WAITING_MAX_BYTES = 1024 * 1024;
/** So much is published between two looks at who reads. */
const UNWATCHED_BYTES = 64 * 1024;

/** Why the registry ended a stream. */
type Drop = keyof typeof CLOSE & StreamDrop;

export interface HubOptions extends Pick<RoomOptions, 'journal' | 'core' | 'look' | 'upcoming' | 'now'> {
  /** Whether frames are spoken; looked at anew each time. */
  readonly isBinary: () => boolean;
  /** Whenever somebody came or went. */
  readonly counted: (sockets: number, listeners: number) => void;
  readonly dropped: (why: Drop) => void;
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

type Publish = (topic: string, data: string | Uint8Array) => void;

/**
 * @example
 * const joining = await hub.join('checkout/production', 'all');
 * server.upgrade(request, { data: joining.connect(visitor, null) });
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #places = new Map<string, Place>();
  readonly #leaving = new Leaving();
  #publish: Publish | null = null;
  #published_bytes = 0;
  #sockets = 0;
  #listeners = 0;
  #isClosed = false;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** The server that the sockets are of. */
  publishWith(publish: Publish): void {
    this.#publish = publish;
  }

  get isBinary(): boolean {
    return this.#options.isBinary();
  }

  get core(): HubOptions['core'] {
    return this.#options.core;
  }

  get now(): HubOptions['now'] {
    return this.#options.now;
  }

  /** Entries of the journal, in their order, each once. */
  follow(entries: readonly Entry[]): void {
    for (const { room } of this.#places.values()) {
      const own = entries.filter(({ stream }) => room.concerns(stream));
      if (own.length > 0) room.follow(own);
    }
  }

  /** Ends all that is followed: there are entries that could not be taken in. Whoever comes back begins anew. */
  forget(): void {
    for (const [key, { room }] of this.#places) this.#failed(key, room, 'entries could not be taken in');
  }

  /** A place in the room of a config. Errors: ERR_NOT_FOUND, ERR_CLOSED, and those of the journal. */
  async join(name: string, audience: Audience): Promise<Joining> {
    if (this.#isClosed) throw closed();
    const key = keyOf({ name, audience });
    const place = this.#places.get(key) ?? this.#open(key, name, audience);
    place.expected++;
    const leave = (): void => {
      place.expected--;
      this.#vacate(key, place);
    };
    try {
      await place.opening;
      if (this.#isClosed) throw closed();
      if (place.room.isDeleted) throw notThere(name);
    } catch (error) {
      leave();
      throw error;
    }
    return new Joining(this, place.room, leave);
  }

  /** Called when the socket is open. */
  entered(connection: Connection, socket: Socket): void {
    const place = this.#places.get(keyOf(connection.room));
    if (this.#isClosed || place?.room !== connection.room) {
      socket.close(CLOSE.failed, 'what it follows has ended: connect again');
      return;
    }
    place.sockets.add(connection);
    this.#sockets++;
    this.#count();
    socket.subscribe(keyOf(connection.room));
  }

  /** Called for each that entered, whoever ended it. */
  left(connection: Connection): void {
    const key = keyOf(connection.room);
    const place = this.#places.get(key);
    if (place?.sockets.delete(connection) !== true) return;
    this.#sockets--;
    this.#count();
    this.#vacate(key, place);
  }

  /** Answers how to leave. */
  listen(room: Room, listener: Listener): Leave {
    const key = keyOf(room);
    const place = this.#places.get(key);
    if (place?.room !== room) throw closed();
    place.listeners.add(listener);
    this.#listeners++;
    this.#count();
    return (why) => {
      if (!place.listeners.delete(listener)) return;
      if (why !== undefined) this.#options.dropped(why);
      this.#listeners--;
      this.#count();
      this.#vacate(key, place);
    };
  }

  /** Whether somebody follows a config who is shown all of it. */
  isFollowed(name: string): boolean {
    return this.#places.get(keyOf({ name, audience: 'all' }))?.isEmpty === false;
  }

  /** Tells of a version that was published: those who follow the config and may know of the package. Pages never do. */
  published(config: string, one: Published & KnownPackage & { readonly revision: number }): void {
    const place = this.#places.get(keyOf({ name: config, audience: 'all' }));
    if (place === undefined) return;
    const { name, version, tags, revision } = one;
    const message = { type: 'package', name, version, tags } as const;
    const text = JSON.stringify(message);
    const frames = this.isBinary ? [this.core.frameEncode(packageFrame(one, revision))] : [];
    for (const listener of place.listeners) if (listener.visitor.mayKnow(one)) listener.tell(message, text);
    for (const socket of place.sockets) if (socket.visitor.mayKnow(one)) socket.tell([...frames, text]);
  }

  /** To be called every 20 seconds: says to all at which revision they are. */
  heartbeat(): void {
    for (const [key, { room, sockets, opening }] of this.#places) {
      if (sockets.size > 0) void opening.then(() => this.#broadcast(key, room.heartbeat()));
    }
  }

  /**
   * To be called every second, and at once with `isAll` when users, grants or tokens have changed: who may no longer
   * listen, and who does not read, is dropped.
   */
  async sweep(isAll = false): Promise<void> {
    if (!isAll) this.#secondPassed();
    this.#dropSlow();
    const checks: Promise<void>[] = [];
    for (const { sockets, listeners } of this.#places.values()) {
      for (const connection of sockets) {
        const end = (why: string): void => this.drop(connection, 'credentials', why);
        this.#check(connection.visitor, isAll, end, checks);
      }
      for (const listener of listeners) {
        const end = (why: string): void => {
          this.#options.dropped('credentials');
          listener.end(why);
        };
        this.#check(listener.visitor, isAll, end, checks);
      }
    }
    await Promise.all(checks);
  }

  /** Whether it does not read, and has been dropped. */
  dropsSlow(connection: Connection): boolean {
    if (connection.waiting_bytes <= WAITING_MAX_BYTES) return false;
    this.drop(connection, 'slow', `more than ${WAITING_MAX_BYTES} bytes wait to be read`);
    return true;
  }

  drop(connection: Connection, why: Drop, reason: string): void {
    if (!connection.isOpen) return;
    this.#options.dropped(why);
    this.#end(connection, CLOSE[why], reason);
  }

  /** One line for the operator, about what is no client's fault. */
  log(line: string): void {
    this.#options.log(line);
  }

  /** Ends everything that listens; nobody is let in any more. */
  close(): void {
    this.#isClosed = true;
    for (const { sockets, listeners } of this.#places.values()) {
      for (const connection of sockets) connection.leave().close(CLOSE.stopping, 'the registry stops');
      for (const listener of listeners) listener.end('closing');
    }
    this.#leaving.close();
    this.#places.clear();
  }

  /** It hears nothing more; its visitor keeps his place until the socket is gone. */
  #end(connection: Connection, code: number, reason: string): void {
    const socket = connection.leave();
    socket.unsubscribe(keyOf(connection.room));
    this.left(connection);
    this.#leaving.add(socket, code, reason);
  }

  #open(key: string, name: string, audience: Audience): Place {
    const { journal, core, look, upcoming, now } = this.#options;
    const tell = (update: Update): void => this.#broadcast(key, update);
    const failed = (error: unknown): void => this.#failed(key, room, error);
    const room: Room = new Room({ name, audience, journal, core, look, upcoming, now, tell, failed });
    const place = new Place(room);
    this.#places.set(key, place);
    return place;
  }

  #vacate(key: string, place: Place): void {
    if (place.isEmpty && this.#places.get(key) === place) this.#places.delete(key);
  }

  #broadcast(key: string, { message, text, frames }: Update): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    const isHeartbeat = message.type === 'heartbeat';
    if (!isHeartbeat) for (const listener of place.listeners) listener.tell(message, text);
    if (place.sockets.size === 0) return;
    for (const part of frames !== null && this.isBinary ? frames : [text]) {
      this.#publish?.(key, part);
      this.#published_bytes += part.length;
    }
    if (this.#published_bytes > UNWATCHED_BYTES) this.#dropSlow();
  }

  #secondPassed(): void {
    this.#leaving.look();
    for (const { sockets } of this.#places.values()) {
      for (const connection of sockets) connection.secondPassed();
    }
  }

  #dropSlow(): void {
    this.#published_bytes = 0;
    for (const { sockets } of this.#places.values()) {
      for (const connection of sockets) this.dropsSlow(connection);
    }
  }

  #check(visitor: Visitor, isAll: boolean, end: (why: string) => void, checks: Promise<void>[]): void {
    const refused = visitor.refused(isAll);
    if (refused === null) return;
    checks.push(
      refused.then(
        (why) => (why === null ? undefined : end(why)),
        // Nobody stays whose rights cannot be read.
        (error: unknown) => {
          this.#options.log(`who listens cannot be asked for: ${String(error)}`);
          end('what you may do could not be read: connect again');
        },
      ),
    );
  }

  #failed(key: string, room: Room, error: unknown): void {
    const place = this.#places.get(key);
    if (place?.room !== room) return;
    this.#options.log(`the stream of '${room.name}' cannot go on: ${String(error)}`);
    for (const connection of place.sockets) this.drop(connection, 'failed', 'the change could not be read');
    for (const listener of place.listeners) {
      this.#options.dropped('failed');
      listener.end('failed');
    }
    this.#places.delete(key);
  }

  #count(): void {
    this.#options.counted(this.#sockets, this.#listeners);
  }
}

function closed(): ConfigError<'ERR_CLOSED'> {
  return new ConfigError('ERR_CLOSED', {
    message: 'The registry stops',
    hint: 'Connect again in a moment.',
    details: { what: 'streams' },
  });
}

function notThere(name: string): ConfigError<'ERR_NOT_FOUND'> {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no config '${name}': it was deleted`,
    hint: 'Make it again: c13 set, or POST /api/v1/configs.',
    details: { what: `config ${name}` },
  });
}
