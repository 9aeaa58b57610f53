/** Where packages are asked for while no uplink is declared; and what becomes of a packument on its way. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askNpm, defaultUpstream } from '../../../src/registry/npm/default-upstream.ts';
import { isItself as isOwn } from '../../../src/registry/origins.ts';
import { renderUplinkPackument } from '../../../src/registry/npm/uplink-documents.ts';
import { codeOf, tempDirectory } from '../../journal/fixtures.ts';

const ORIGIN = 'http://127.0.0.1:4873';
const isItself = (url: string): boolean => isOwn(url, { publicUrl: null, host: '127.0.0.1', port: 4873 });

describe('the default uplink', () => {
  it.each<[setting: string, npm: string | null, url: string | null]>([
    ['none', 'https://packages.example/', null],
    ['https://mirror.example/npm/', 'https://packages.example/', 'https://mirror.example/npm'],
    ['npm', 'https://packages.example/', 'https://packages.example'],
    ['npm', 'https://ann:secret@packages.example/npm/?a=1', 'https://packages.example/npm'],
    ['npm', null, null],
    ['npm', 'undefined', null],
    ['npm', 'file:///srv', null],
    ['npm', `${ORIGIN}/`, null],
    ['npm', 'http://localhost:4873/', null],
    ['http://[::1]:4873', 'https://packages.example/', null],
    ['npm', 'http://localhost:4874/', 'http://localhost:4874'],
  ])('set to %j, with npm at %j, is %j', async (setting, npm, url) => {
    const lines: string[] = [];
    const asked = defaultUpstream({
      setting,
      isItself,
      log: (line) => lines.push(line),
      ask: async () => npm,
    });
    expect(await asked).toBe(url);
    expect(lines, 'why there is none').toHaveLength(url === null ? 1 : 0);
  });
});

describe('npm of this machine', () => {
  const npm = (script: string): string => {
    const path = join(tempDirectory(), 'npm');
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  };
  const asked = (program: string | null): Promise<string | null> =>
    defaultUpstream({ setting: 'npm', isItself, log: () => undefined, ask: () => askNpm(program) });

  it('that fails says nothing, which is an error and no answer', async () => {
    for (const script of ['exit 1', 'kill -9 $$']) expect(await codeOf(asked(npm(script)))).toBe('ERR_UPLINK');
    expect(await asked(npm('echo https://packages.example/'))).toBe('https://packages.example');
    expect(await asked(null), 'there is none').toBeNull();
  });
});

describe('a packument of an uplink', () => {
  it('leads to tarballs of this registry, and in short has what installing needs', () => {
    const manifest = {
      name: '@tools/ui',
      version: '1.0.0',
      description: 'd',
      scripts: { postinstall: 'x' },
      dependencies: { a: '1' },
      libc: ['musl'],
      dist: {
        tarball: 'https://packages.example/x.tgz',
        integrity: 'sha512-x',
        signatures: [{ keyid: 'k', sig: 's' }],
      },
    };
    const document = {
      _id: '@tools/ui',
      _rev: '7-x',
      name: '@tools/ui',
      'dist-tags': { latest: '1.0.0' },
      time: { modified: '2026-01-01T00:00:00.000Z', '1.0.0': '2026-01-01T00:00:00.000Z' },
      versions: { '1.0.0': manifest },
    };
    const { full, short } = renderUplinkPackument('@tools/ui', document, ORIGIN);
    const dist = { ...manifest.dist, tarball: `${ORIGIN}/@tools/ui/-/ui-1.0.0.tgz` };
    const { _rev: _theirs, ...rest } = document;
    expect(JSON.parse(full)).toEqual({ ...rest, versions: { '1.0.0': { ...manifest, dist } } });
    const { description: _description, scripts: _scripts, ...installed } = manifest;
    expect(JSON.parse(short)).toEqual({
      name: '@tools/ui',
      'dist-tags': { latest: '1.0.0' },
      modified: '2026-01-01T00:00:00.000Z',
      versions: { '1.0.0': { ...installed, hasInstallScript: true, dist } },
    });
  });
});
