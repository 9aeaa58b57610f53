/**
 * Picks the core under Bun and says which and why: the native library, or WebAssembly where that cannot load.
 * Never falls back in silence: whoever opens gets the reason and shows it.
 * @module
 */
import { ConfigError, isConfigError } from '../src/errors/errors.ts';
import type { Backend } from './backend.ts';
import { openNative, type NativeBackend } from './native.ts';
import { openWasmFile } from './wasm-file.ts';

export interface OpenedBackend {
  readonly backend: Backend;
  /** The same core where it is the native one: it can open boards and terminals. */
  readonly native: NativeBackend | null;
  /** One sentence for status pages and logs. */
  readonly reason: string;
}

/**
 * The fastest core that works here. A library built from other sources is an error (ERR_ABI_MISMATCH), not a reason to
 * fall back. Errors: ERR_CORE_MISSING when neither is there.
 * @example const { backend, reason } = openBackend();
 */
export function openBackend(libraryFile?: string, wasmFile?: string): OpenedBackend {
  try {
    const native = openNative(libraryFile);
    return { backend: native, native, reason: `native, from ${native.file}` };
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_CORE_MISSING') throw error;
    return { backend: openInstead(error, wasmFile), native: null, reason: `WebAssembly, because: ${error.message}` };
  }
}

/** Where neither is there, the error names both files: the first is the one that was wanted. */
function openInstead(first: ConfigError<'ERR_CORE_MISSING'>, wasmFile?: string): Backend {
  try {
    return openWasmFile(wasmFile);
  } catch (second) {
    if (!isConfigError(second) || second.code !== 'ERR_CORE_MISSING') throw second;
    throw new ConfigError('ERR_CORE_MISSING', {
      message: `${first.message}; ${second.message}`,
      hint: first.hint,
      details: { tried: [...first.details.tried, ...second.details.tried] },
      cause: second,
    });
  }
}
