/** docs/OPERATIONS.md is complete, and the code it prints runs. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/env/env.ts';
import { LOG_LEVELS } from '../../src/env/log-level.ts';
import { parseAlertRule, SEVERITIES } from '../../src/metrics/alerts.ts';
import { Figures } from '../../src/metrics/figures.ts';
import { SAMPLED_METRICS } from '../../src/metrics/samples.ts';
import { newWebhookSecret, signatureHeaders } from '../../src/metrics/webhook-signature.ts';
import { ATTEMPTS_MAX } from '../../src/metrics/webhooks.ts';
import { ROOT, tempDirectory } from '../registry/fixtures.ts';

const TEXT = readFileSync(join(ROOT, 'docs/OPERATIONS.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code]) => code!);

test('every series, sampled figure, level and severity is named', () => {
  const registry = new Registry();
  expect(new Figures(registry).requests.value).toBe(0);
  const series = registry.getMetricsAsArray().map(({ name }) => name);
  expect(series.length).toBeGreaterThan(10);
  for (const name of [...series, ...SAMPLED_METRICS, ...LOG_LEVELS, ...SEVERITIES])
    expect(TEXT).toContain(`\`${name}\``);
  expect(TEXT).toContain(`at most ${ATTEMPTS_MAX} times in all`);
});

test('every setting of a registry is there, with its default', () => {
  const { registryUrl: _url, token: _token, peers: _peers, ...own } = SETTINGS;
  for (const { variable, default: fallback, description } of Object.values(own)) {
    const shown = fallback === '' ? 'none' : `\`${fallback}\``;
    expect(TEXT).toContain(`| \`${variable}\` | ${shown} | ${description.replace(/\.$/, '')} |`);
  }
});

test('the JSON that is shown is JSON, and the rule in it one', () => {
  const [, event, line] = blocks('json').map((text) => JSON.parse(text));
  expect(parseAlertRule(event.data.rule)).toEqual(event.data.rule);
  expect(line.msg).toBe('request');
});

test('the check of a signature takes what is ours and nothing else', async () => {
  const program = join(tempDirectory(), 'genuine.ts');
  writeFileSync(program, blocks('ts')[0]!);
  const { isGenuine } = await import(program);
  const secret = newWebhookSecret();
  const now = 1_700_000_000_000;
  const headers = signatureHeaders(secret, 'msg_1', now / 1000, '{"a":1}');
  const check = (more = {}, body = '{"a":1}', key = secret, at = now) =>
    isGenuine(new Headers({ ...headers, ...more }), body, key, at);
  expect(check()).toBe(true);
  expect(check({ 'webhook-signature': `v1,AAAA v2,x ${headers['webhook-signature']}` })).toBe(true);
  expect(check({}, '{"a":2}')).toBe(false);
  expect(check({ 'webhook-id': 'msg_2' })).toBe(false);
  expect(check({ 'webhook-signature': '' })).toBe(false);
  expect(check({}, '{"a":1}', newWebhookSecret())).toBe(false);
  expect(check({}, '{"a":1}', secret, now + 301_000)).toBe(false);
});

test('the loggers run as printed', async () => {
  const program = join(tempDirectory(), 'loggers.ts');
  writeFileSync(program, blocks('ts')[1]!.replace("'13byte-config'", JSON.stringify(join(ROOT, 'src/index.ts'))));
  const child = Bun.spawnSync([process.execPath, program], { env: { ...Bun.env, C13_LOG_LEVEL: 'info' } });
  const lines = child.stderr
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { name: '@myapp', msg: 'Application started', version: '1.0.0' },
    { name: '@myapp', msg: 'database', operation: 'database', rows: 3, duration_ms: expect.any(Number) },
  ]);
});
