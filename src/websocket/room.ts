/**
 * One config as one audience sees it, in step with the journal: every change is worked out and encoded once, whoever
 * listens. What browsers may not see is taken away before anything is compared or encoded. Speaks of journalled state
 * only; knows no connection.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';
import type { Audience } from '../config/audience.ts';
import { rolloutsByName } from '../config/debug-view.ts';
import type { FeatureSet } from '../config/features.ts';
import { configOfStream, parseConfigName } from '../config/name.ts';
import { changedRollouts } from '../config/rollout.ts';
import { subjectOf } from '../config/streams.ts';
import type { RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import { JOURNAL_STREAM, type Entry, type Journal } from '../journal/journal.ts';
import { ConfigStates, noConfig, type ConfigState } from './config-states.ts';
import { flagKeyOf, Look, type LookSource } from './look.ts';
import {
  framesOf,
  heartbeatFrame,
  type ConfigImage,
  type FeatureNames,
  type ServerMessage,
  type Upcoming,
} from './subprotocol.ts';
import { UpcomingChanges } from './upcoming.ts';

/** Of rich flags in one message, which stays far below what may wait for a client. */
const KEYS_MAX = 1000;

/** What everybody in a room is told. */
export interface Update {
  readonly message: ServerMessage;
  /** `message` as JSON. */
  readonly text: string;
  /** What is sent instead where frames are spoken: frames, and the text that belongs to them; null: nothing else. */
  readonly frames: readonly (string | Uint8Array)[] | null;
}

export interface RoomOptions {
  readonly name: string;
  readonly audience: Audience;
  readonly journal: Pick<Journal, 'query'>;
  readonly core: Pick<Backend, 'frameEncode'>;
  readonly look: LookSource;
  /** What will change, soonest first. */
  readonly upcoming: (name: string) => Promise<readonly Upcoming[]>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly tell: (update: Update) => void;
  /** What it follows could not be read: what it holds is no longer current. */
  readonly failed: (error: unknown) => void;
}

export class Room {
  readonly name: string;
  readonly audience: Audience;
  readonly #options: RoomOptions;
  readonly #states: ConfigStates;
  readonly #upcoming: UpcomingChanges;
  readonly #pending: Entry[] = [];
  #isWorking = true;
  #state!: ConfigState;
  #look!: Look;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.name = options.name;
    this.audience = options.audience;
    this.#states = new ConfigStates(options.journal, options.name);
    this.#upcoming = new UpcomingChanges(options.now);
  }

  /** To be awaited once, before anything but `follow` is called. Throws ERR_NOT_FOUND where there is no such config. */
  async open(): Promise<void> {
    const { look, upcoming } = this.#options;
    this.#look = await Look.read(look, this.name, this.audience);
    this.#upcoming.replace(await upcoming(this.name), this.#look);
    this.#state = await this.#states.now();
    if (this.#state.isDeleted) throw noConfig(this.name);
    await this.#work();
  }

  get revision(): number {
    return this.#state.revision;
  }

  /** Nobody has made it again since. */
  get isDeleted(): boolean {
    return this.#state.isDeleted;
  }

  get features(): FeatureSet {
    return this.#look.features;
  }

  /** Whether an entry of a stream may change what is told here. */
  concerns(stream: string): boolean {
    const subject = subjectOf(stream);
    if (subject === null) return stream === JOURNAL_STREAM || stream.startsWith('change_request:');
    return 'config' in subject ? subject.config === this.name : subject.service === parseConfigName(this.name).service;
  }

  /** Takes entries that may be about this config. What needs no more than the entries is told of at once. */
  follow(entries: readonly Entry[]): void {
    this.#pending.push(...entries);
    if (!this.#isWorking) void this.#work();
  }

  snapshot(): ServerMessage {
    const { revision } = this.#state;
    return { type: 'snapshot', name: this.name, revision, ...this.#image(), ...this.#around() };
  }

  /** What the features are called now, for who was away meanwhile. */
  names(): ServerMessage {
    return { type: 'features', features: this.#look.names, rollouts: this.#image().rollouts };
  }

  /** As everybody hears it; the state is told again. */
  change(): Update {
    return update({ type: 'change', revision: this.#state.revision, ...this.#image() }, null);
  }

  heartbeat(): Update {
    const { revision } = this.#state;
    return update({ type: 'heartbeat', revision }, [this.#options.core.frameEncode(heartbeatFrame(revision))]);
  }

  /** What is scheduled, for who joins. */
  scheduled(): readonly ServerMessage[] {
    return this.#upcoming.messages();
  }

  /**
   * What leads from a revision to now: the JSON first, then its frames; null where no frame can say it. Throws
   * ERR_REVISION_GONE for a revision that the journal does not have.
   */
  async since(from: number): Promise<{ resumed: ServerMessage; frames: readonly Uint8Array[] | null }> {
    const past = from === this.revision ? this.#state : await this.#states.at(from);
    if (past === null || from > this.revision) throw this.#gone(from);
    const { revision } = this.#state;
    const { rollouts } = this.#image();
    const resumed = { type: 'resumed', name: this.name, from, revision, rollouts, ...this.#around() } as const;
    // What browsers saw then may have become hidden since: they are told the whole.
    return { resumed, frames: this.audience === 'all' ? this.#framesFrom(past.config) : null };
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      while (this.#pending.length > 0) await this.#take(this.#pending.splice(0));
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#isWorking = false;
    }
  }

  /**
   * What waited, together. Changes are told of as they are looked at by now: what was hidden after them is told of by
   * none. What is scheduled comes last: what was made of it is in the config by then.
   */
  async #take(entries: readonly Entry[]): Promise<void> {
    const isChange = ({ stream }: Entry): boolean => configOfStream(stream) === this.name;
    const isRequest = ({ stream }: Entry): boolean => stream.startsWith('change_request:');
    const isErasure = ({ stream }: Entry): boolean => stream === JOURNAL_STREAM;
    const looks = entries.filter((entry) => !isChange(entry) && !isRequest(entry));
    const isRenamed = looks.length > 0 && (await this.#lookAgain(looks));
    for (const entry of entries.filter(isChange)) {
      const next = this.#states.after(this.#state, entry);
      this.#become(next instanceof Promise ? await next : next);
    }
    // What is said of rollouts goes by name.
    if (isRenamed || entries.some((entry) => isRequest(entry) || isErasure(entry))) await this.#reschedule();
  }

  #become(state: ConfigState): void {
    if (state === this.#state) return;
    const before = this.#image();
    const past = this.#state;
    this.#state = state;
    const changed = this.#masked(changedRollouts(past.rollouts, state.rollouts));
    if (state.revision > past.revision || changed !== 0) this.#tellChange(before.config, changed !== 0);
    if (state.isDeleted && !past.isDeleted) this.#tell({ type: 'deleted', revision: state.revision });
  }

  #tellChange(before: RegistryConfig, withRollouts: boolean): void {
    const { revision } = this.#state;
    const image = this.#image();
    const told = { type: 'rollouts', revision, rollouts: image.rollouts } as const;
    const frames = this.#framesFrom(before);
    const binary = frames === null ? null : [...(withRollouts ? [JSON.stringify(told)] : []), ...frames];
    this.#options.tell(update({ type: 'change', revision, ...image }, binary));
  }

  /** `before` as the audience sees it, or whole. */
  #framesFrom(before: RegistryConfig): Uint8Array[] | null {
    const seen = { ...before, featureFlags: this.#masked(before.featureFlags) };
    const frames = framesOf(seen, this.#image().config, this.revision);
    return frames?.map((frame) => this.#options.core.frameEncode(frame)) ?? null;
  }

  async #reschedule(): Promise<void> {
    const upcoming = await this.#options.upcoming(this.name);
    for (const message of this.#upcoming.replace(upcoming, this.#look)) this.#tell(message);
  }

  /** Names, what browsers see, and rich flags: whichever of them the entries are about. True: names are others. */
  async #lookAgain(entries: readonly Entry[]): Promise<boolean> {
    const [past, image] = [this.#look, this.#image()];
    this.#look = await Look.read(this.#options.look, this.name, this.audience);
    const isRenamed = !this.#look.namesAre(past);
    if (isRenamed) this.#tell(this.names());
    if (this.#look.mask !== past.mask) this.#tellLooks(image.config);
    const keys = entries.map(({ stream }) => flagKeyOf(stream, this.name)).filter((key) => key !== undefined);
    const touched = this.#look.touched(keys, past);
    for (let i = 0; i < touched.length; i += KEYS_MAX) {
      this.#tell({ type: 'flags', keys: touched.slice(i, i + KEYS_MAX) });
    }
    return isRenamed;
  }

  /** The same revision looks otherwise. */
  #tellLooks(before: RegistryConfig): void {
    const { revision } = this.#state;
    const image = this.#image();
    const frames = framesOf(before, image.config, revision)?.map((one) => this.#options.core.frameEncode(one)) ?? null;
    this.#options.tell(update({ type: 'change', revision, ...image }, frames));
  }

  #tell(message: ServerMessage): void {
    this.#options.tell(update(message, null));
  }

  #image(): ConfigImage {
    const { config, rollouts } = this.#state;
    const seen = rollouts.map((basisPoints, bit) => (this.#masked(1 << bit) === 0 ? 0 : basisPoints));
    return {
      config: { ...config, featureFlags: this.#masked(config.featureFlags) },
      rollouts: rolloutsByName(seen, this.#look.features),
    };
  }

  #masked(flags: number): number {
    return (flags & this.#look.mask) >>> 0;
  }

  #around(): { features: FeatureNames; serverTime: number } {
    return { features: this.#look.names, serverTime: this.#options.now() };
  }

  #gone(revision: number): ConfigError {
    const what = revision > this.revision ? `is ahead of it, at ${this.revision}` : 'is not in the journal';
    return new ConfigError('ERR_REVISION_GONE', {
      message: `Revision ${revision} of '${this.name}' ${what}`,
      hint: 'Go on from the snapshot that follows.',
      details: { stream: `config:${this.name}`, revision },
    });
  }
}

function update(message: ServerMessage, frames: Update['frames']): Update {
  return { message, text: JSON.stringify(message), frames };
}
