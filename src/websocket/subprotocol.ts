/**
 * What is said on a stream of one config, `bun.config.v1` (frozen): changes as frames of 14 bytes, everything else as
 * JSON, and what each of them means. Pure, and imported by browsers: knows no socket, no journal and no user.
 * @module
 */
import { CONFIG_OFFSET, FRAME_TYPE } from '../../bindings/abi.gen.ts';
import type { Frame, FrameFault } from '../../bindings/backend.ts';
import { murmur3, MURMUR_SEED } from '../../bindings/murmur3.ts';
import { CONFIG_FIELDS, type ConfigField, type RegistryConfig } from '../config/value.ts';
import type { ErrorCode } from '../errors/errors.ts';

export const SUBPROTOCOL = 'bun.config.v1';
/** Offered beside it by browsers, which cannot set a header: `c13.token.<token>`. It is never selected. */
export const TOKEN_PROTOCOL = 'c13.token.';

/** The value of an error frame: what was wrong with the message before. */
export const ERROR_FRAME = {
  length: 1,
  type: 2,
  offset: 3,
  value: 4,
  checksum: 5,
  /** Of a type that only the server sends. */
  direction: 6,
  /** Text that is no message. */
  message: 7,
  /** The registry's own feature `binary_protocol` is off. */
  binary_off: 8,
  /** Too many messages at once, within a second or within a minute: of these the first in a second is answered. */
  busy: 9,
  /** Understood, and not done; the JSON error after it says why. */
  refused: 10,
} as const satisfies Record<FrameFault | 'direction' | 'message' | 'binary_off' | 'busy' | 'refused', number>;

/** Why the server ends a connection. */
export const CLOSE = {
  stopping: 1001,
  /** Three bad messages in a row, or far too many within a second. */
  bad: 1008,
  /** What the stream follows could not be read; coming back may help. */
  failed: 1011,
  /** The credentials expired or were revoked, or allow it no more. */
  credentials: 4401,
  /** The client does not read what it is sent. */
  slow: 4408,
} as const;

/** What a config has beside its features. */
export type ConfigFields = Omit<RegistryConfig, 'featureFlags'>;

/** What a change that is to come does to a config, whatever it is by then. */
export interface ConfigPatch {
  /** Masks of the features it turns on and off, u32. */
  readonly on: number;
  readonly off: number;
  /** Percent by feature name; 0 ends a rollout. */
  readonly rollouts: Readonly<Record<string, number>>;
  readonly fields: Readonly<Partial<ConfigFields>>;
}

/** A change that will be made at a moment, if nobody cancels it. */
export interface Upcoming {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly patch: ConfigPatch;
}

/** A config as a stream tells it. */
export interface ConfigImage {
  readonly config: RegistryConfig;
  /** Percent by feature name, those above 0. */
  readonly rollouts: Readonly<Record<string, number>>;
}

/** What the features are called: bit by name. */
export type FeatureNames = Readonly<Record<string, number>>;

interface Snapshot extends ConfigImage {
  readonly type: 'snapshot';
  readonly name: string;
  readonly revision: number;
  readonly features: FeatureNames;
  /** Milliseconds since 1970. */
  readonly serverTime: number;
}

/** The frames after it, up to the heartbeat, lead from the revision that was asked for to this one. */
interface Resumed extends Omit<Snapshot, 'type' | 'config'> {
  readonly type: 'resumed';
  readonly from: number;
}

/** A version of a package that was published here. */
export interface Published {
  readonly name: string;
  readonly version: string;
  /** Dist-tags that name it since. */
  readonly tags: readonly string[];
}

/** JSON from the server. */
export type ServerMessage =
  | Snapshot
  | Resumed
  /** Applies with the heartbeat that follows. */
  | { readonly type: 'rollouts'; readonly revision: number; readonly rollouts: ConfigImage['rollouts'] }
  /** The whole config, where frames are not sent: `binary_protocol` is off, or no frame can say it. */
  | ({ readonly type: 'change'; readonly revision: number } & ConfigImage)
  | { readonly type: 'features'; readonly features: FeatureNames; readonly rollouts: ConfigImage['rollouts'] }
  /** Rich flags that were made, changed or removed. */
  | { readonly type: 'flags'; readonly keys: readonly string[] }
  | ({ readonly type: 'scheduled' } & Upcoming)
  /** It will not be made. */
  | { readonly type: 'cancelled'; readonly id: string }
  /** Its moment has passed: what became of it is in the config. */
  | { readonly type: 'done'; readonly id: string }
  /** The config reads as the defaults until somebody makes it again. */
  | { readonly type: 'deleted'; readonly revision: number }
  /** To those alone who follow the registry's own config and may read the package. */
  | ({ readonly type: 'package' } & Published)
  | { readonly type: 'heartbeat'; readonly revision: number }
  | { readonly type: 'pong'; readonly serverTime: number }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly hint: string };

/** JSON from a client. */
export type ClientMessage =
  /** The change from this revision to now. */
  { readonly type: 'resume'; readonly revision: number } | { readonly type: 'snapshot' } | { readonly type: 'ping' };

/** Offsets count in the record, where the config begins at 4. */
const RECORD_OFFSET = 4;
const FLAGS_OFFSET = RECORD_OFFSET + CONFIG_OFFSET.feature_flags;
const TERMINAL_OFFSET = RECORD_OFFSET + CONFIG_OFFSET.rows;
const TURNS_ON = 1n << 32n;
/** Told by the type 1, each in a frame of its own. */
const PLAIN_FIELDS = CONFIG_FIELDS.filter(({ name }) => ['version', 'registryHash', 'terminalMode'].includes(name));

/**
 * The fewest frames that lead from one config to another, closed by a heartbeat of the revision; null where no frame
 * can say it, because a field holds what validation refuses.
 * @example framesOf(config, { ...config, terminalMode: 2 }, 8) // [update of byte 13, heartbeat 8]
 */
export function framesOf(before: RegistryConfig, after: RegistryConfig, revision: number): readonly Frame[] | null {
  const changed = CONFIG_FIELDS.filter(({ name }) => before[name] !== after[name]);
  if (changed.some(({ name, min, max }) => after[name] < min || after[name] > max)) return null;
  const resizes = changed.some(({ name }) => name === 'rows' || name === 'cols');
  if (resizes && (after.rows === 0 || after.cols === 0)) return null;
  const updates = PLAIN_FIELDS.filter((field) => changed.includes(field)).map(({ name, offset }) =>
    frame(FRAME_TYPE.config_update, RECORD_OFFSET + offset, BigInt(after[name])),
  );
  const [on, off] = [after.featureFlags & ~before.featureFlags, before.featureFlags & ~after.featureFlags];
  return [
    ...updates,
    ...(on === 0 ? [] : [frame(FRAME_TYPE.feature_toggle, FLAGS_OFFSET, BigInt(on >>> 0) | TURNS_ON)]),
    ...(off === 0 ? [] : [frame(FRAME_TYPE.feature_toggle, FLAGS_OFFSET, BigInt(off >>> 0))]),
    ...(resizes ? [frame(FRAME_TYPE.terminal_resize, TERMINAL_OFFSET, BigInt(after.rows | (after.cols << 8)))] : []),
    heartbeatFrame(revision),
  ];
}

export function heartbeatFrame(revision: number): Frame {
  return frame(FRAME_TYPE.heartbeat, 0, BigInt(revision));
}

/**
 * That a version was published: the low 32 bits of the value are the hash of `name@version`, as rollouts hash; the high
 * ones are the low 32 bits of the package's revision.
 */
export function packageFrame({ name, version }: Pick<Published, 'name' | 'version'>, revision: number): Frame {
  const hash = murmur3(new TextEncoder().encode(`${name}@${version}`), MURMUR_SEED);
  const high = BigInt.asUintN(32, BigInt(revision)) << 32n;
  return frame(FRAME_TYPE.package_published, 0, high | BigInt(hash));
}

export function errorFrame(fault: keyof typeof ERROR_FRAME): Frame {
  return frame(FRAME_TYPE.error, 0, BigInt(ERROR_FRAME[fault]));
}

function frame(type: number, offset: number, value: bigint): Frame {
  return { type, offset, value };
}

/** What a frame of type 1, 2 or 4 changes. */
export type FrameChange =
  | { readonly kind: 'field'; readonly field: ConfigField; readonly value: number }
  | { readonly kind: 'toggle'; readonly mask: number; readonly isOn: boolean }
  | { readonly kind: 'resize'; readonly rows: number; readonly cols: number };

/** null for a frame that changes no config. */
export function changeOfFrame({ type, offset, value }: Frame): FrameChange | null {
  const low = Number(value & 0xffff_ffffn);
  if (type === FRAME_TYPE.config_update) {
    const { name } = CONFIG_FIELDS.find((field) => RECORD_OFFSET + field.offset === offset)!;
    return { kind: 'field', field: name, value: low };
  }
  if (type === FRAME_TYPE.feature_toggle) return { kind: 'toggle', mask: low, isOn: (value & TURNS_ON) !== 0n };
  return type === FRAME_TYPE.terminal_resize ? { kind: 'resize', rows: low & 0xff, cols: low >>> 8 } : null;
}

/** The config with what a frame changes; with what it does not, itself. */
export function applyFrame(config: RegistryConfig, one: Frame): RegistryConfig {
  const change = changeOfFrame(one);
  if (change === null) return config;
  if (change.kind === 'field') return { ...config, [change.field]: change.value };
  if (change.kind === 'resize') return { ...config, rows: change.rows, cols: change.cols };
  const { featureFlags } = config;
  const flags = change.isOn ? featureFlags | change.mask : featureFlags & ~change.mask;
  return { ...config, featureFlags: flags >>> 0 };
}
