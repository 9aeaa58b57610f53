/**
 * One client on a socket: what it sends is judged message by message, in its order, and answered. A small object,
 * because there are thousands. Decides no right itself.
 * @module
 */
import { FRAME_TYPE } from '../../bindings/abi.gen.ts';
import { frameDecode } from '../../bindings/frame.ts';
import type { Frame } from '../../bindings/backend.ts';
import { bitsOf } from '../config/features.ts';
import { isConfigError, type AnyConfigError } from '../errors/errors.ts';
import { parseClientMessage } from './client-message.ts';
import type { Hub } from './hub.ts';
import { binaryOff, serversOwn, tooManyResumes, tooManyUnderWay } from './refusals.ts';
import type { Room } from './room.ts';
import { changeOfFrame, errorFrame, type ClientMessage, type FrameChange } from './subprotocol.ts';
import type { ERROR_FRAME, ServerMessage } from './subprotocol.ts';

const BAD_IN_A_ROW_MAX = 3;
/** Messages of one client that are being worked on. */
const UNDER_WAY_MAX = 64;
/** Within a second: each may have the journal read. */
const RESUMES_MAX = 10;
/** Within a second: who sends so much more than is taken does not listen to the answers either. */
const TOO_MANY_MAX = 256;

type Fault = keyof typeof ERROR_FRAME;

/** What it depends on who may know of a package. */
export interface KnownPackage {
  readonly name: string;
  readonly access: 'public' | 'restricted';
  readonly isPremium: boolean;
}

/** Who came, and what he may; made by whoever let him in. */
export interface Visitor {
  /**
   * Whether he may listen no more: null says at once that he may; the promise's null says so too, its text why not.
   * `isAll`: something about users has changed.
   */
  refused(isAll: boolean): Promise<string | null> | null;
  /** Counts a message against his limit. Throws ERR_RATE_LIMITED. */
  spend(): void;
  /**
   * Writes fields as `ConfigOperations.set` takes them; false: all was so already. Errors: those, and of his rights.
   */
  write(input: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** Whether he may know of a package, which is looked at as it is now. */
  mayKnow(found: KnownPackage): boolean;
  /** Gives his place back; once. */
  left(): void;
}

/** What is used of a server's socket. */
export interface Socket {
  readonly readyState: number;
  send(data: string | Uint8Array): unknown;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  close(code: number, reason: string): void;
  /** At once, whatever waits to be read. */
  terminate(): void;
  getBufferedAmount(): number;
}

const OPEN = 1;

export class Connection {
  readonly room: Room;
  readonly visitor: Visitor;
  readonly #hub: Hub;
  readonly #release: () => void;
  readonly #since: number | null;
  #socket: Socket | null = null;
  #isLeaving = false;
  #bad = 0;
  /** Within this second: what was resumed, and what was more than is taken. */
  #resumes = 0;
  #tooMany = 0;
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();

  /** `release` gives back what kept the room open until now. */
  constructor(hub: Hub, room: Room, visitor: Visitor, since: number | null, release: () => void) {
    this.#hub = hub;
    this.room = room;
    this.visitor = visitor;
    this.#since = since;
    this.#release = release;
  }

  /** Whether it is spoken to. */
  get isOpen(): boolean {
    return !this.#isLeaving && this.#socket?.readyState === OPEN;
  }

  get waiting_bytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.#hub.entered(this, socket);
    this.#release();
    if (this.#since === null) this.#greet();
    else this.#last = this.#resume(this.#since).catch((error: unknown) => this.#fault(error));
  }

  closed(): void {
    if (this.#socket === null) return;
    this.#socket = null;
    this.#hub.left(this);
    this.visitor.left();
  }

  /** Takes what is said to him, and not to everybody in the room. */
  tell(parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.#send(part);
  }

  /** For one that never opened. */
  abandon(): void {
    this.#release();
    this.visitor.left();
  }

  /** The socket, for who ends it: nothing more is said on it. */
  leave(): Socket {
    this.#isLeaving = true;
    return this.#socket!;
  }

  /** To be called every second. */
  secondPassed(): void {
    this.#resumes = 0;
    this.#tooMany = 0;
  }

  /** In the order they came; one that is worked on delays those after it, nobody else. */
  received(data: string | Uint8Array): void {
    // Who asks and does not read is answered no more.
    if (!this.isOpen || this.#hub.dropsSlow(this)) return;
    if (this.#underWay >= UNDER_WAY_MAX) return this.#refuseTooMany(() => tooManyUnderWay(UNDER_WAY_MAX));
    this.#underWay++;
    this.#last = this.#last
      .then(() => (this.isOpen ? this.#judge(data) : undefined))
      .catch((error: unknown) => this.#fault(error))
      .finally(() => this.#underWay--);
  }

  async #judge(data: string | Uint8Array): Promise<void> {
    try {
      this.visitor.spend();
    } catch (error) {
      return this.#refuseTooMany(() => expected(error));
    }
    await (typeof data === 'string' ? this.#said(data) : this.#sent(data));
  }

  async #said(text: string): Promise<void> {
    const message = this.#parsed(text);
    if (message === null) return;
    this.#bad = 0;
    if (message.type === 'resume') await this.#resumeAgain(message.revision);
    else if (message.type === 'snapshot') this.#greet();
    else this.#say({ type: 'pong', serverTime: this.#hub.now() });
  }

  /** null: it was refused. */
  #parsed(text: string): ClientMessage | null {
    try {
      return parseClientMessage(text);
    } catch (error) {
      this.#refuse('message', expected(error), true);
      return null;
    }
  }

  async #sent(bytes: Uint8Array): Promise<void> {
    if (!this.#hub.isBinary) return this.#refuse('binary_off', binaryOff(), false);
    const one = this.#decoded(bytes);
    if (one === null) return;
    this.#bad = 0;
    const change = changeOfFrame(one);
    try {
      // Who asks at which revision this is, or changes nothing, hears the revision.
      const isChanged = change !== null && (await this.visitor.write(this.#inputOf(change)));
      if (!isChanged) this.#send(this.room.heartbeat().frames![0]!);
    } catch (error) {
      this.#refuse('refused', expected(error), false);
    }
  }

  /** null: it was refused. */
  #decoded(bytes: Uint8Array): Frame | null {
    try {
      const one = frameDecode(bytes);
      const isTaken = one.type === FRAME_TYPE.heartbeat || changeOfFrame(one) !== null;
      if (isTaken) return one;
      this.#refuse('direction', serversOwn(one.type), true);
    } catch (error) {
      const known = expected(error);
      if (known.code !== 'ERR_FRAME') throw error;
      this.#refuse(known.details.fault as Fault, known, true);
    }
    return null;
  }

  /** Throws ERR_UNKNOWN_FEATURE for a bit that has no name. */
  #inputOf(change: FrameChange): Record<string, unknown> {
    if (change.kind === 'field') return { [change.field]: change.value };
    if (change.kind === 'resize') return { rows: change.rows, cols: change.cols };
    const { features } = this.room;
    const names = bitsOf(change.mask).map((bit) => features.nameOf(bit));
    return { features: Object.fromEntries(names.map((name) => [name, change.isOn])) };
  }

  #greet(): void {
    for (const message of [this.room.snapshot(), ...this.room.scheduled()]) this.#say(message);
  }

  async #resumeAgain(from: number): Promise<void> {
    if (this.#resumes >= RESUMES_MAX) return this.#refuseTooMany(() => tooManyResumes(RESUMES_MAX));
    this.#resumes++;
    await this.#resume(from);
  }

  /** Where that revision is gone, an error and the snapshot. */
  async #resume(from: number): Promise<void> {
    try {
      const { resumed, frames } = await this.room.since(from);
      this.#say(resumed);
      const parts = frames === null || !this.#hub.isBinary ? [this.room.change().text] : frames;
      for (const part of parts) this.#send(part);
      for (const message of this.room.scheduled()) this.#say(message);
    } catch (error) {
      const known = expected(error);
      if (known.code !== 'ERR_REVISION_GONE') throw error;
      this.#say(told(known));
      this.#greet();
    }
  }

  #refuse(fault: Fault, error: AnyConfigError, isBad: boolean): void {
    this.#send(this.#hub.core.frameEncode(errorFrame(fault)));
    this.#say(told(error));
    if (!isBad) return;
    this.#bad++;
    if (this.#bad >= BAD_IN_A_ROW_MAX) this.#hub.drop(this, 'bad', `${this.#bad} bad messages in a row: ${fault}`);
  }

  /** The first within a second is answered, so that a flood costs next to nothing until it is ended. */
  #refuseTooMany(error: () => AnyConfigError): void {
    this.#tooMany++;
    if (this.#tooMany === 1) return this.#refuse('busy', error(), false);
    if (this.#tooMany < TOO_MANY_MAX) return;
    this.#hub.drop(this, 'bad', `${this.#tooMany} messages within a second were too many`);
  }

  /** Nothing that a client sends may end in one. */
  #fault(error: unknown): void {
    this.#hub.log(`a message on the stream of '${this.room.name}' failed: ${String(error)}`);
    this.#hub.drop(this, 'failed', 'the message could not be answered: connect again');
  }

  #say(message: ServerMessage): void {
    this.#send(JSON.stringify(message));
  }

  #send(data: string | Uint8Array): void {
    if (this.isOpen) this.#socket!.send(data);
  }
}

function told({ code, message, hint }: AnyConfigError): ServerMessage {
  return { type: 'error', code, message, hint };
}

/** Whatever is none of ours is a fault of ours, and not told to the client. */
function expected(error: unknown): AnyConfigError {
  if (isConfigError(error)) return error;
  throw error;
}
