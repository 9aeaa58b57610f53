/** docs/LIBRARY.md is complete, and what it prints runs. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProductionConfig } from '../../src/live/production-config.ts';
import { tempDirectory } from '../journal/fixtures.ts';

const ROOT = join(import.meta.dirname, '../..');
const TEXT = readFileSync(join(ROOT, 'docs/LIBRARY.md'), 'utf8');

describe('the page about the library', () => {
  it('names every member of a config', () => {
    const members: string[] = [];
    for (let at = ProductionConfig.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      members.push(...Object.getOwnPropertyNames(at));
    }
    const inner = [
      'constructor',
      'enhanced',
      'maskOf',
      'changeConfig',
      'changeState',
      'tell',
      'stopWatching',
      'toJSON',
    ];
    const shown = members.filter((member) => !inner.includes(member));
    expect(shown.length).toBeGreaterThan(30);
    for (const member of shown) expect(TEXT, member).toMatch(new RegExp(`\`(await )?${member}\\b`));
  });

  it('names errors that there are', () => {
    const known = readFileSync(join(ROOT, 'src/errors/errors.ts'), 'utf8');
    const codes = new Set(TEXT.match(/\bERR_[A-Z_]+/g));
    expect(codes.size).toBeGreaterThan(20);
    for (const code of codes) expect(known, code).toContain(`  ${code}:`);
  });

  it('runs as it is printed', async () => {
    const blocks = [...TEXT.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code);
    const directory = tempDirectory();
    const program = join(directory, 'library.ts');
    writeFileSync(program, blocks.join('\n').replace("'13byte-config'", JSON.stringify(join(ROOT, 'src/index.ts'))));
    const child = Bun.spawn([process.execPath, program], {
      cwd: directory,
      env: { ...process.env, C13_DATA: join(directory, 'data') },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [output, complaint] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect([complaint, await child.exited]).toEqual(['', 0]);
    expect(output).toContain('Invalid rows: 0 (must be 1-255)\n');
    expect(output).toMatch(/^\d+ .+ rollout to 10 % $/m);
    expect(output).toMatch(/^Config checkout\/production, revision \d+, version 1$/m);
    expect(output).toMatch(/^debug$/m);
  });
});
