/** What Node runs, bundled: the WebAssembly core from its file, over all vectors. Prints one line of JSON. @module */
import { readFileSync } from 'node:fs';
import { openWasmFile } from '../../bindings/wasm-file.ts';
import type { Vectors } from '../fixtures/make-vectors.ts';
import { checkVectors } from './vector-checks.ts';

const [, , wasmFile, vectorsFile] = process.argv;
const vectors: Vectors = JSON.parse(readFileSync(vectorsFile!, 'utf8'));
const core = openWasmFile(wasmFile);
const runtime = 'Bun' in globalThis ? 'bun' : `node ${process.versions.node}`;
console.log(JSON.stringify({ runtime, kind: core.kind, ...checkVectors(core, vectors) }));
