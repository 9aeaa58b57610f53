/**
 * The second factor: codes of six digits that an app makes from a secret and the time (RFC 6238), and recovery codes
 * for whoever has lost the app. The secret is in the keyring, sealed; of recovery codes it has hashes. A code counts
 * once: whoever has read it over somebody's shoulder comes too late. Slows nobody down: that is up to who asks.
 * @module
 */
import { randomInt } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import type { SideStore } from '../journal/side-store.ts';
import { KEYRING } from './keyring.ts';
import type { Seal } from './seal.ts';
import { hashOfSecret } from './token-text.ts';

/** Loaded when the first code is asked for: most processes never ask. */
const otpauth = (): Promise<typeof import('otpauth')> => import('otpauth');

/** `auth-only`: asked for when signing in and for what is about the account; `auth-and-writes`: for packages too. */
export const FACTOR_MODES = ['auth-only', 'auth-and-writes'] as const;
export type FactorMode = (typeof FACTOR_MODES)[number];

const SECRET_BYTES = 20;
const PERIOD_s = 30;
const PERIOD_ms = PERIOD_s * 1000;
/** One code before and one after: clocks differ, and people take time to type. */
const WINDOW = 1;
const BEGUN_ms = 15 * 60 * 1000;
const RECOVERY_CODES = 10;
const RECOVERY_GROUPS = 4;
const CODE = /^\d{6}$/;
const RECOVERY_CODE = /^\d{24}$/;
const CODE_LENGTH_MAX = 64;
const PURPOSE = 'second factor';

interface Factor {
  readonly user: string;
  readonly mode: FactorMode;
  /** Base32. */
  readonly secret: string;
}

export interface SecondFactorOptions {
  /** Durable. */
  readonly keyring: SideStore;
  readonly seal: Seal;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/**
 * Errors of all: ERR_STORE; ERR_KEYS where another seal key sealed what is there.
 * @example
 * const url = await factor.begin('ann', 'auth-only', 'registry.example.com'); // shown as a QR code
 * const recovery = await factor.confirm('ann', '123456');
 * await factor.accepts('ann', '654321', null);
 */
export class SecondFactor {
  readonly #keyring: SideStore;
  readonly #seal: Seal;
  readonly #clock: () => number;

  constructor({ keyring, seal, clock = Date.now }: SecondFactorOptions) {
    this.#keyring = keyring;
    this.#seal = seal;
    this.#clock = clock;
  }

  /** What the user has; `isPending`: begun, and not confirmed. null: nothing. */
  async of(user: string): Promise<{ readonly mode: FactorMode; readonly isPending: boolean } | null> {
    const factor = await this.#read(KEYRING.secondFactor, user);
    if (factor !== null) return { mode: factor.mode, isPending: false };
    const begun = await this.#read(KEYRING.begunFactor, user);
    return begun === null ? null : { mode: begun.mode, isPending: true };
  }

  /** Whether he has one, also one that cannot be read. */
  has(user: string): boolean {
    return this.#keyring.get(KEYRING.secondFactor, user) !== null;
  }

  /** A new secret, for an app, as the link that sets it up; counts once it is confirmed. `issuer` is what it shows. */
  async begin(user: string, mode: FactorMode, issuer: string): Promise<string> {
    const { Secret, TOTP } = await otpauth();
    const secret = new Secret({ size: SECRET_BYTES });
    const begun = { user, mode, secret: secret.base32 };
    await this.#write(KEYRING.begunFactor, begun, this.#clock() + BEGUN_ms);
    return new TOTP({ issuer, label: user, secret }).toString();
  }

  /** Recovery codes, shown once, when the app has made the code; null when it has not, or nothing was begun. */
  async confirm(user: string, code: string): Promise<readonly string[] | null> {
    const begun = await this.#read(KEYRING.begunFactor, user);
    const step = begun === null ? null : await this.#stepOf(begun, code);
    if (begun === null || step === null) return null;
    const sealed = await this.#sealed(begun);
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    // Whoever has a factor has its recovery codes, whatever ends the registry meanwhile.
    const isTaken = this.#keyring.together(() => {
      if (!this.#take(user, step, null)) return false;
      forgetSecondFactor(this.#keyring, user);
      this.#keyring.set(KEYRING.secondFactor, user, sealed);
      for (const recovery of codes) this.#keyring.set(KEYRING.recoveryCode, recoveryKey(user, recovery), '');
      return true;
    });
    return isTaken ? codes : null;
  }

  /** The same app, asked for at other times. Nothing happens where there is none. */
  async setMode(user: string, mode: FactorMode): Promise<void> {
    const factor = await this.#read(KEYRING.secondFactor, user);
    if (factor !== null) await this.#write(KEYRING.secondFactor, { ...factor, mode });
  }

  /**
   * Whether it is a code of the user, which then counts no more: but for the same credential, where one command of a
   * client makes several requests with one code. `by` is that credential's id; null: once is once.
   */
  async accepts(user: string, code: string, by: string | null): Promise<boolean> {
    const factor = await this.#read(KEYRING.secondFactor, user);
    if (factor === null || code.length > CODE_LENGTH_MAX) return false;
    const text = code.replace(/[\s-]/g, '');
    const step = await this.#stepOf(factor, text);
    if (step !== null) return this.#take(user, step, by);
    return RECOVERY_CODE.test(text) && this.#takeRecovery(user, text, by);
  }

  /** Switches it off, and forgets the recovery codes. */
  remove(user: string): void {
    this.#keyring.together(() => forgetSecondFactor(this.#keyring, user));
  }

  /** The step of time that the code is of; null: of none that counts now. */
  async #stepOf({ secret }: Factor, code: string): Promise<string | null> {
    if (!CODE.test(code)) return null;
    const { Secret, TOTP } = await otpauth();
    const now_ms = this.#clock();
    const totp = new TOTP({ secret: Secret.fromBase32(secret), period: PERIOD_s });
    const delta = totp.validate({ token: code, timestamp: now_ms, window: WINDOW });
    return delta === null ? null : String(Math.floor(now_ms / PERIOD_ms) + delta);
  }

  #take(user: string, which: string, by: string | null): boolean {
    const expiresAt = this.#clock() + (2 * WINDOW + 2) * PERIOD_ms;
    const key = `${user} ${which}`;
    if (this.#keyring.add(KEYRING.usedCode, key, by ?? '', expiresAt)) return true;
    return by !== null && this.#keyring.get(KEYRING.usedCode, key) === by;
  }

  #takeRecovery(user: string, code: string, by: string | null): boolean {
    const key = recoveryKey(user, code);
    const isTaken = this.#keyring.delete(KEYRING.recoveryCode, key);
    if (isTaken) return this.#take(user, key, by);
    return by !== null && this.#keyring.get(KEYRING.usedCode, `${user} ${key}`) === by;
  }

  async #read(space: string, user: string): Promise<Factor | null> {
    const sealed = this.#keyring.get(space, user);
    if (sealed === null) return null;
    const text = await this.#seal.openText(PURPOSE, sealed);
    const factor = text === null ? null : (JSON.parse(text) as Factor);
    if (factor?.user === user) return factor;
    throw unreadable(user);
  }

  async #write(space: string, factor: Factor, expiresAt: number | null = null): Promise<void> {
    this.#keyring.set(space, factor.user, await this.#sealed(factor), expiresAt);
  }

  async #sealed(factor: Factor): Promise<string> {
    return await this.#seal.sealText(PURPOSE, JSON.stringify(factor));
  }
}

/** For who deletes a user, or makes one of a name that was somebody's before. */
export function forgetSecondFactor(keyring: SideStore, user: string): void {
  keyring.delete(KEYRING.secondFactor, user);
  keyring.delete(KEYRING.begunFactor, user);
  forgetRecovery(keyring, user);
}

function forgetRecovery(keyring: SideStore, user: string): void {
  for (const { key } of keyring.entries(KEYRING.recoveryCode)) {
    if (key.startsWith(`${user} `)) keyring.delete(KEYRING.recoveryCode, key);
  }
}

/** `012345 678901 234567 890123`: npm lets people type nothing but digits. Some 80 random bits. */
function newRecoveryCode(): string {
  return Array.from({ length: RECOVERY_GROUPS }, () => String(randomInt(1_000_000)).padStart(6, '0')).join(' ');
}

function recoveryKey(user: string, code: string): string {
  return `${user} ${hashOfSecret(code.replaceAll(' ', ''))}`;
}

function unreadable(user: string): ConfigError {
  return new ConfigError('ERR_KEYS', {
    message: `The second factor of ${user} was sealed with another key`,
    hint: 'Put the seal.key of this registry back, or have an administrator switch the second factor off.',
    details: { path: 'seal.key' },
  });
}
