/** The core of this process: opened once, at the first config. @module */
import { openBackend, type OpenedBackend } from '../../bindings/open.ts';

let opened: OpenedBackend | null = null;

/** Errors: ERR_CORE_MISSING, ERR_ABI_MISMATCH. */
export function core(): OpenedBackend {
  opened ??= openBackend();
  return opened;
}
