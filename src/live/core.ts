/** The core of this process: opened once, at the first config. @module */
import type { NativeBackend } from '../../bindings/native.ts';
import { openBackend, type OpenedBackend } from '../../bindings/open.ts';

let opened: OpenedBackend | null = null;

/** Errors: ERR_CORE_MISSING, ERR_ABI_MISMATCH. */
export function core(): OpenedBackend {
  opened ??= openBackend();
  return opened;
}

/** The core of this process where it has boards: the native one, on Linux. null: it shares its memory with nobody. */
export function boardCore(): NativeBackend | null {
  return process.platform === 'linux' ? core().native : null;
}
