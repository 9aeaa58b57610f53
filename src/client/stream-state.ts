/**
 * What a client knows of one config, from what its stream has said so far: frames count only once a heartbeat closes
 * them, and changes that are due count before the stream tells of them. Pure; knows no socket and no timer.
 * @module
 */
import { FRAME_TYPE } from '../../bindings/abi.gen.ts';
import { frameDecode } from '../../bindings/frame.ts';
import { encodeConfig, type RegistryConfig } from '../config/value.ts';
import { applyFrame, type ConfigImage, type FeatureNames } from '../websocket/subprotocol.ts';
import type { ConfigPatch, ServerMessage, Upcoming } from '../websocket/subprotocol.ts';

/** A config as a client has it. Immutable. */
export interface StreamedConfig extends ConfigImage {
  readonly revision: number;
  /** Ids of scheduled changes that are in it because they are due, and not in that revision. */
  readonly ahead: readonly string[];
  /** The 13 bytes. */
  readonly bytes: Uint8Array;
  /** What the features are called: bit by name. */
  readonly features: FeatureNames;
}

type Known = Omit<StreamedConfig, 'bytes' | 'ahead'>;

/** What the server is to be asked for next; null: nothing. */
export type Wish = 'resume' | 'snapshot' | null;

export class StreamState {
  #known: Known | null = null;
  /** What frames since the last heartbeat have made of it. */
  #draft: RegistryConfig | null = null;
  #rollouts: ConfigImage['rollouts'] | null = null;
  /** The frames that come lead here from wherever this is. */
  #isResuming = false;
  /** What was missed has been asked for. */
  #isAsking = false;
  readonly #upcoming = new Map<string, Upcoming>();

  /** null: nothing has been heard yet. */
  get revision(): number | null {
    return this.#known?.revision ?? null;
  }

  /** As it is at a moment of the server, in milliseconds since 1970, with what is due by then; null: not known yet. */
  at(time: number): StreamedConfig | null {
    if (this.#known === null) return null;
    const due = [...this.#upcoming.values()].filter((one) => one.at <= time).toSorted((a, b) => a.at - b.at);
    let known = this.#known;
    const ahead: string[] = [];
    for (const { id, patch } of due) {
      const next = patched(known, patch);
      if (!isSame(next, known)) ahead.push(id);
      known = next;
    }
    return { ...known, ahead, bytes: encodeConfig(known.config) };
  }

  /** When the next scheduled change after a moment is due; null: none is. */
  nextAfter(time: number): number | null {
    const later = [...this.#upcoming.values()].filter(({ at }) => at > time);
    return later.length === 0 ? null : Math.min(...later.map(({ at }) => at));
  }

  /** What was half said on a connection that has ended. */
  disconnected(): void {
    [this.#draft, this.#rollouts] = [null, null];
    [this.#isResuming, this.#isAsking] = [false, false];
  }

  /** Throws ERR_FRAME for what is no frame. */
  takeFrame(bytes: Uint8Array): Wish {
    const frame = frameDecode(bytes);
    if (frame.type === FRAME_TYPE.heartbeat) return this.#close(Number(frame.value));
    if (this.#known !== null) this.#draft = applyFrame(this.#draft ?? this.#known.config, frame);
    return null;
  }

  take(message: ServerMessage): Wish {
    switch (message.type) {
      case 'snapshot':
        // What is scheduled is told anew after it; of what is not any more, nobody tells.
        this.#upcoming.clear();
        return this.#become(message);
      case 'resumed':
        if (message.from !== this.revision) return 'snapshot';
        this.#upcoming.clear();
        this.#isResuming = true;
        [this.#draft, this.#rollouts] = [null, message.rollouts];
        this.#known = { ...this.#known!, features: message.features };
        return null;
      case 'change':
        return this.#takeWhole(message);
      case 'rollouts':
        this.#rollouts = message.rollouts;
        return null;
      case 'features':
        if (this.#known !== null) this.#known = { ...this.#known, ...rest(message) };
        return null;
      case 'heartbeat':
        return this.#close(message.revision);
      case 'scheduled':
        this.#upcoming.set(message.id, { id: message.id, at: message.at, patch: message.patch });
        return null;
      case 'cancelled':
      case 'done':
        this.#upcoming.delete(message.id);
        return null;
      default:
        // The rest says nothing about the config itself.
        return null;
    }
  }

  #takeWhole({ revision, config, rollouts }: ServerMessage & { type: 'change' }): Wish {
    if (this.#known === null) return 'snapshot';
    if (revision < this.#known.revision) return null;
    return this.#become({ ...this.#known, revision, config, rollouts });
  }

  /** The revision at which the frames before it are whole. */
  #close(revision: number): Wish {
    const known = this.#known;
    if (known === null) return 'snapshot';
    const isNext = revision === known.revision || revision === known.revision + 1;
    if (!isNext && !this.#isResuming) {
      [this.#draft, this.#rollouts] = [null, null];
      if (revision < known.revision || this.#isAsking) return null;
      this.#isAsking = true;
      return 'resume';
    }
    return this.#become({
      ...known,
      revision,
      config: this.#draft ?? known.config,
      rollouts: this.#rollouts ?? known.rollouts,
    });
  }

  #become({ revision, config, rollouts, features }: Known): null {
    this.#known = { revision, config, rollouts, features };
    [this.#draft, this.#rollouts] = [null, null];
    [this.#isResuming, this.#isAsking] = [false, false];
    return null;
  }
}

function rest({ features, rollouts }: ServerMessage & { type: 'features' }): Pick<Known, 'features' | 'rollouts'> {
  return { features, rollouts };
}

function patched(known: Known, { on, off, rollouts, fields }: ConfigPatch): Known {
  const { config } = known;
  const featureFlags = ((config.featureFlags & ~off) | on) >>> 0;
  const percentages = Object.entries({ ...known.rollouts, ...rollouts }).filter(([, percent]) => percent > 0);
  return { ...known, config: { ...config, ...fields, featureFlags }, rollouts: Object.fromEntries(percentages) };
}

function isSame(a: Known, b: Known): boolean {
  return JSON.stringify([a.config, a.rollouts]) === JSON.stringify([b.config, b.rollouts]);
}
