/** The examples run as they are printed, as programs of their own, and say what they should. @module */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../journal/fixtures.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** What each prints, from its first line to its last. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  'persistence.ts': /^\{\n {2}version: 1,\n[^]*checksum: "[0-9a-f]{16}",[^]*\}\n$/,
  'team-friendly-api.ts': new RegExp(
    String.raw`enabled: \[ "debug", "metrics" \][^]*dimensions: "50x120"[^]*hex: "0x[0-9a-f]{26}"[^]*\n` +
      String.raw`Config default, revision 4, version 1\n  features  debug, metrics\n` +
      String.raw`  terminal  50x120 raw\n[^]*\ntrue\n$`,
  ),
  'cluster-sync.ts': /^(before: false\n){5}(after: true\n){5}\n$/,
  'error-handling.ts':
    /^ERR_UNKNOWN_FEATURE\nUnknown feature: unknown_feature\. Available: .*\nInvalid rows: 0 \(must be 1-255\)\n$/,
  'microservice.ts': /^debug verbose\n$/,
  'feature-rollout.ts': new RegExp(
    `^${['beta_rollout_full', 'beta_rollout_50_percent', 'beta_rollout_10_percent', 'featureFlags', 'version, .*']
      .map((text) => `${TIME} ${text}\n`)
      .join('')}$`,
  ),
  'gradual-rollout.ts': new RegExp(
    `^share: 0\\.\\d+ then 0\\.\\d+ then 1\n${[
      'beta_rollout_full',
      'featureFlags',
      'beta_rollout_50_percent',
      'rollouts',
    ]
      .map((text) => `${TIME} ${text}\n`)
      .join('')}`,
  ),
  'cluster-deployment.ts': /^other process: maintenance true\nthis process: maintenance false\n$/,
  'openfeature-server.ts': new RegExp(
    String.raw`^metrics true \(STATIC\)\nbanner for ann@example\.com: A good day to you \(long, TARGETING_MATCH\)\n` +
      String.raw`banner for bob@elsewhere\.org: Hello \(short, DEFAULT\)\nno_such_flag true \(FLAG_NOT_FOUND\)\n$`,
  ),
  'openfeature-web.ts': /^prefers dark: #202020\nprefers nothing: #ffffff\nchanged: theme\nprefers nothing: #202020\n$/,
  'follow-config.ts': /^debug false\ndebug true\nbeta_feature for ann, bob\ncache_enabled true\n$/,
  'getting-started.ts': /^\{\n {2}name: "default",[^]*enabled: \[ "metrics" \][^]*\}\n$/,
};

async function runExample(name: string, directory: string, env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn([process.execPath, join(EXAMPLES, name)], {
    cwd: directory,
    env: {
      ...process.env,
      NODE_ENV: '',
      C13_URL: undefined,
      C13_TOKEN: undefined,
      C13_DATA: join(directory, 'data'),
      ...env,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([complaint, await child.exited]).toEqual(['', 0]);
  return output;
}

describe('the example', () => {
  it.each(readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts')))(
    '%s runs and prints what it should',
    async (name) => {
      expect(await runExample(name, tempDirectory())).toMatch(PRINTED[name]!);
    },
  );

  it('microservice.ts sets up for production what it should, and finds it again', async () => {
    const directory = tempDirectory();
    const env = { NODE_ENV: 'production' };
    expect(await runExample('microservice.ts', directory, env)).toBe('metrics encryption\n');
    expect(await runExample('microservice.ts', directory, env)).toBe('metrics encryption\n');
  });
});
