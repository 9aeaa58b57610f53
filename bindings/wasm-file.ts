/**
 * The WebAssembly core from the file beside the package: Node's core, and Bun's where the native library cannot
 * load.
 * @module
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../src/errors/errors.ts';
import type { Backend } from './backend.ts';
import { openWasmSync } from './wasm.ts';

/** Where `zig build` puts the module, seen from here. */
export function defaultWasmFile(): string {
  return fileURLToPath(new URL('../zig-out/bin/c13.wasm', import.meta.url));
}

/** Errors: ERR_CORE_MISSING (no such file), ERR_ABI_MISMATCH (built from other sources). */
export function openWasmFile(file = defaultWasmFile()): Backend {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(file));
  } catch (cause) {
    throw new ConfigError('ERR_CORE_MISSING', {
      message: `The WebAssembly core could not be read from ${file}`,
      hint: 'Build it with `bun run build:zig`.',
      details: { tried: [file] },
      cause,
    });
  }
  return openWasmSync(bytes, file);
}
