/** The WebAssembly core under the real Node, bundled as a package would be. @module */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultWasmFile } from '../../bindings/wasm-file.ts';
import { realNode } from '../node/real-node.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let directory: string;
let script: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'c13-node-'));
  script = join(directory, 'node-vectors.mjs');
  const [entry, outfile] = [here('node-vectors.ts'), script];
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', target: 'node20', format: 'esm' });
});
afterAll(() => rmSync(directory, { recursive: true }));

function run(...args: string[]): { exitCode: number; stdout: string; stderr: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([realNode(), script, ...args], { stderr: 'pipe' });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test('it agrees with every vector', () => {
  const { exitCode, stdout } = run(defaultWasmFile(), here('../fixtures/vectors.json'));
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ kind: 'wasm', wrong: [] });
  expect(report.runtime).toMatch(/^node (2\d|[3-9]\d)\./);
  expect(report.checks).toBeGreaterThan(600);
});

test('a missing module is a clear error there too', () => {
  const { exitCode, stderr } = run(join(directory, 'nothing.wasm'), here('../fixtures/vectors.json'));
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('ERR_CORE_MISSING');
});
