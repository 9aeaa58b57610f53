/** What the tests of evaluation share: flags to ask for, and requests as clients send them. @module */
import { Flags } from '../../src/flags/flags.ts';
import type { ConfigOperations } from '../../src/live/operations.ts';
import type { Answer, Call } from './fixtures.ts';

export const BULK = '/ofrep/v1/evaluate/flags';
const BY = { actor: 'ann', isFeature: () => false };

/** Two variants of text; whoever is `pro` gets the second. */
export const BANNER = {
  state: 'ENABLED',
  variants: { plain: 'Hello', bold: 'HELLO' },
  defaultVariant: 'plain',
  targeting: { if: [{ '==': [{ var: 'plan' }, 'pro'] }, 'bold'] },
  metadata: { team: 'shop' },
};

/** One flag of each kind that answers differently, by key. */
export const DEFINITIONS: Readonly<Record<string, object>> = {
  banner: BANNER,
  off: { state: 'DISABLED', variants: { a: 1, b: 2 }, defaultVariant: 'a' },
  own: { state: 'ENABLED', variants: { a: { deep: [1] }, b: {} }, defaultVariant: null },
  shape: { state: 'ENABLED', variants: { a: { deep: [1, null] } }, defaultVariant: 'a' },
  size: { state: 'ENABLED', variants: { s: 1.5, l: -3 }, defaultVariant: 's' },
};

export function flagsOf({ store }: ConfigOperations): Flags {
  return new Flags(store.journal, () => store.head());
}

/** Makes flags in a config, clientVisible as said. */
export async function putFlags(
  flags: Flags,
  config: string,
  definitions: Readonly<Record<string, object>>,
  clientVisible = false,
): Promise<void> {
  for (const [key, definition] of Object.entries(definitions)) {
    await flags.change(config, key, { kind: 'put', input: { definition, clientVisible } }, BY);
  }
}

/** A request for one flag or all of them, as the official clients send it. */
export async function evaluate(
  call: Call,
  path: string,
  context?: object,
  headers?: Record<string, string>,
): Promise<Answer> {
  return await call('POST', path, context === undefined ? {} : { context }, headers);
}
