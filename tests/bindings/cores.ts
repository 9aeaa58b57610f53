/** The three implementations of the core, opened once for the suites that compare them. @module */
import type { Backend } from '../../bindings/backend.ts';
import { openNative } from '../../bindings/native.ts';
import { openReference } from '../../bindings/reference.ts';
import { openWasmFile } from '../../bindings/wasm-file.ts';

export const NATIVE = openNative();
export const WASM: Backend = openWasmFile();
export const REFERENCE: Backend = openReference();

/** The reference first: what the other two are compared with. */
export const CORES: readonly Backend[] = [REFERENCE, NATIVE, WASM];
