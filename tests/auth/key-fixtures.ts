/**
 * What the tests of keys and tokens share: a data directory that goes away, a clock that stands still, raw tokens.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { AnyConfigError, ErrorCode } from '../../src/errors/errors.ts';
import { toBase64url } from '../../src/auth/base64url.ts';
import { Jwts } from '../../src/auth/jwt.ts';
import { type Keys, openKeys } from '../../src/auth/keys.ts';

export const ISSUER = 'urn:13byte-config:test';
/** An arbitrary time, in whole seconds as tokens count. */
export const START_ms = 1_800_000_000_000;

export interface Clock {
  (): number;
  ms: number;
}

export function standingClock(): Clock {
  const clock = (): number => clock.ms;
  clock.ms = START_ms;
  return clock;
}

export function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-keys-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Registry {
  readonly keys: Keys;
  readonly jwts: Jwts;
  readonly clock: Clock;
  readonly directory: string;
}

export async function registry(issuer = ISSUER): Promise<Registry> {
  const directory = dataDirectory();
  const clock = standingClock();
  const keys = await openKeys(directory, clock);
  return { keys, jwts: new Jwts(keys, issuer, clock), clock, directory };
}

/** A token whose parts are taken as they are, signed with the registry's own key. */
export async function signed({ keys }: Registry, header: string, payload: string): Promise<string> {
  const { privateKey } = await keys.signingKey();
  const input = `${toBase64url(utf8(header))}.${toBase64url(utf8(payload))}`;
  return `${input}.${toBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, utf8(input))))}`;
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export async function refusal(action: Promise<unknown>, code: ErrorCode): Promise<AnyConfigError> {
  const error = await action.then(
    () => null,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ code });
  return error as AnyConfigError;
}
