/** What several suites ask with: names of features in turn, and keys of users. @module */
import type { BuiltinFeature } from '../src/config/features.ts';

/** Eight names, so that `NAMES[pass & 7]` is one load. */
export const NAMES = [
  'premium_types',
  'private_registry',
  'debug',
  'proxy_mode',
  'binary_protocol',
  'cache_enabled',
  'metrics',
  'logging',
] as const satisfies readonly BuiltinFeature[];

/** `user-0` to `user-99999`; a power of two, so that a mask picks one. */
export function userKeys(count: number, random: () => number): string[] {
  return Array.from({ length: count }, () => `user-${Math.floor(random() * 100_000)}`);
}
