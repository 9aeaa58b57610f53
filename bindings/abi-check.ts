/** Refuses a core that was built from other sources than the bindings: its bytes would be misread. @module */
import { ConfigError } from '../src/errors/errors.ts';

/** Throws ERR_ABI_MISMATCH when a core's description is not the one the bindings were generated from. */
export function assertAbi(file: string, found: bigint, expected: bigint): void {
  if (BigInt.asUintN(64, found) === expected) return;
  throw new ConfigError('ERR_ABI_MISMATCH', {
    message: `${file} was built from other sources than the bindings`,
    hint: 'Run `bun run build:zig`; after a change of the core also `zig build abi`.',
    details: { file, found: hex(BigInt.asUintN(64, found)), expected: hex(expected) },
  });
}

function hex(hash: bigint): string {
  return `0x${hash.toString(16).padStart(16, '0')}`;
}
