/** Uplinks over a directory of the test's own, with a clock in its hand. @module */
import { onTestFinished } from 'vitest';
import type { Send } from '../../../src/packages/uplinks/answers.ts';
import { parseUplink, type Uplink } from '../../../src/packages/uplinks/uplink.ts';
import { Uplinks, type UplinksOptions } from '../../../src/packages/uplinks/uplinks.ts';
import { tempDirectory } from '../../journal/fixtures.ts';
import { Clock } from './clock.ts';

export interface Opened {
  readonly uplinks: Uplinks;
  readonly clock: Clock;
  readonly directory: string;
  readonly lines: { line: string; fields: Readonly<Record<string, string | number>> }[];
}

export type Wanted = Partial<Omit<UplinksOptions, 'uplinks'>> & {
  readonly owned?: readonly string[];
  readonly clock?: Clock;
};

export function uplinkOf(name: string, input: object, authorization: string | null = null): Uplink {
  return { ...parseUplink({ retries: 0, ...input }), name, authorization };
}

export function opened(uplinks: readonly Uplink[], wanted: Wanted = {}): Opened {
  const { clock = new Clock(), directory = tempDirectory(), owned = [], ...others } = wanted;
  const lines: Opened['lines'] = [];
  const made = new Uplinks({
    now: clock.now,
    random: clock.random,
    wait: clock.wait,
    directory,
    cacheLimit_bytes: 100_000_000,
    tarballLimit_bytes: 10_000_000,
    uplinks: async () => uplinks,
    filters: async () => [],
    ownedAmong: async (names) => new Set(names.filter((name) => owned.includes(name))),
    isOffline: () => false,
    send: fetched,
    tell: (line, fields) => lines.push({ line, fields }),
    ...others,
  });
  onTestFinished(() => made.close());
  return { uplinks: made, clock, directory, lines };
}

export const fetched: Send = (url, init) => fetch(url, init);

/** What somebody reads of a tarball: all of it, or what he got until it broke off. */
export async function readBody(body: Blob | ReadableStream<Uint8Array>): Promise<{ text: string; isWhole: boolean }> {
  const reader = (body instanceof Blob ? body.stream() : body).getReader();
  const chunks: Uint8Array[] = [];
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  } catch {
    return { text: Buffer.concat(chunks).toString(), isWhole: false };
  }
  return { text: Buffer.concat(chunks).toString(), isWhole: true };
}

/** `ERR_UPLINK`'s fault, or another error's code; 'none' when it ends well. */
export async function faultOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'none';
  } catch (error) {
    const { code, details } = error as { code: string; details: { fault?: string } };
    return code === 'ERR_UPLINK' ? details.fault! : (code ?? String(error));
  }
}
