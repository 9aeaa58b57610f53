/** What a program outside Bun gets from the package: built as the package is, run by the real Node. @module */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import * as forBun from '../../src/index.ts';
import * as forNode from '../../src/node.ts';
import { realNode } from './real-node.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

beforeAll(() => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, 'scripts/bundle.ts'], { cwd: ROOT, stderr: 'pipe' });
  expect(stderr.toString()).toBe('');
  expect(exitCode).toBe(0);
});

function inNode(program: string): unknown {
  const source = `import * as c13 from '${ROOT}dist/node.js';\n${program}`;
  const child = Bun.spawnSync([realNode(), '--input-type=module', '-e', source], { stderr: 'pipe' });
  expect(child.stderr.toString()).toBe('');
  return JSON.parse(child.stdout.toString());
}

describe('the package under Node', () => {
  test('has the WebAssembly core, and says why', () => {
    const answer = inNode(`
      const { backend, reason } = c13.openCore();
      const crc = backend.crc64(new TextEncoder().encode('123456789')).toString(16);
      console.log(JSON.stringify({ kind: backend.kind, reason, crc, runtime: process.release.name }));`);
    expect(answer).toEqual({
      kind: 'wasm',
      reason: 'WebAssembly, because the native library needs Bun',
      crc: 'ae8b14860a799888',
      runtime: 'node',
    });
  });

  test('serves values, validation and rollouts', () => {
    const answer = inNode(`
      const features = c13.defineFeatures({ new_checkout: 12 });
      const config = c13.parseConfigInput({ features: { new_checkout: true }, rows: 50 }, c13.DEFAULT_CONFIG, features);
      const { errors } = c13.validate({ ...config, rows: 0 });
      const inside = Array.from({ length: 1000 }, (_, i) => c13.isInRollout('new_checkout', 'user-' + i, 1000));
      const share = inside.filter(Boolean).length;
      const checksum = c13.checksumOf(c13.DEFAULT_CONFIG, c13.openCore().backend);
      console.log(JSON.stringify({ hex: c13.configHex(config), error: errors[0].message, share, checksum }));`);
    const share = Array.from({ length: 1000 }, (_, i) => forBun.isInRollout('new_checkout', `user-${i}`, 1000));
    expect(answer).toEqual({
      hex: '0x019ad10e930010000001325000',
      error: 'Invalid rows: 0 (must be 1-255)',
      share: share.filter(Boolean).length,
      checksum: forBun.checksumOf(forBun.DEFAULT_CONFIG, forBun.openCore().backend),
    });
  });

  test('says what needs Bun', () => {
    const answer = inNode(`
      const codes = [];
      for (const open of [() => c13.createProductionConfig({ persistPath: './x.db' }), () => c13.getConfig()]) {
        try { await open(); } catch (error) { codes.push(error.code); }
      }
      console.log(JSON.stringify(codes));`);
    expect(answer).toEqual(['ERR_NEEDS_BUN', 'ERR_NEEDS_BUN']);
  });

  test('has nothing that the package under Bun has not', () => {
    expect(Object.keys(forBun)).toEqual(expect.arrayContaining(Object.keys(forNode)));
  });
});
