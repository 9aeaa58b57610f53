/** Changes of flags that are asked for, their history, and what flags share: by somebody whose changes wait. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RegistryClient } from '../../../src/cli/registry-client.ts';
import { type Ran, type Registry, startRegistry, Workplace } from '../cli.ts';

const HOUR_MS = 3_600_000;
const FLAG = { state: 'ENABLED', variants: { short: 'Hi', long: 'Good day' }, defaultVariant: 'short' };
const LATER = { ...FLAG, defaultVariant: 'long' };

let place: Workplace;
let registry: Registry;
let ann: string;
let bob: string;

beforeAll(async () => {
  place = await Workplace.open();
  registry = await startRegistry(place.data);
  const { stdout } = await place.c13(['setup-link']);
  const secret = new URL(stdout.trim()).searchParams.get('secret')!;
  const client = new RegistryClient({ url: registry.url, signal: new AbortController().signal });
  const body = { secret, user: 'ann', password: 'four random words here' };
  ann = (await client.json<{ token: string }>('/api/v1/setup', { method: 'POST', body })).token;
  for (const args of [
    ['users', 'create', 'bob', '--no-password'],
    ['grants', 'create', 'bob', 'operator', 'flag:default/*', '--needs-approval'],
    ['grants', 'create', 'bob', 'operator', 'config:default', '--needs-approval'],
  ])
    expect(await by(ann, args)).toMatchObject({ exitCode: 0 });
  bob = (await by(ann, ['tokens', 'create', 'cli', '--user', 'bob', '--quiet'])).stdout.trim();
});
afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

function by(token: string, args: readonly string[]): Promise<Ran> {
  return place.c13(args, { env: { C13_URL: registry.url, C13_TOKEN: token } });
}

async function json(token: string, ...args: string[]): Promise<any> {
  const ran = await by(token, [...args, '--json']);
  expect([ran.exitCode, ran.stderr]).toEqual([0, '']);
  return JSON.parse(ran.stdout);
}

function file(content: unknown): string {
  const path = join(place.directory, 'flag.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

test('who may only ask is told how, asks, and somebody else approves', async () => {
  const refused = await by(bob, ['flags', 'set', 'greeting', file(FLAG)]);
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('— Ask for it with --propose (c13 flags'),
  });
  const config = await by(bob, ['set', 'rows=9']);
  expect(config.stderr).toContain('— Ask for it with c13 requests create');

  const { id, state } = await json(bob, 'flags', 'set', 'greeting', file(FLAG), '--propose', '--reason', 'new');
  expect(state).toBe('proposed');
  expect((await by(ann, ['flags', 'show', 'greeting'])).exitCode).toBe(1);
  const shown = (await by(ann, ['requests', 'show', id])).stdout;
  expect(shown).toContain('step 1 of 1: once it is approved\n  flag:default/greeting, create\n');
  expect(shown).toContain('    definition\n      then: {"state":"ENABLED",');
  expect((await by(ann, ['requests', 'approve', id])).stdout).toBe(`applied request ${id}\n`);
  const done = (await by(ann, ['requests', 'show', id])).stdout;
  expect(done).toMatch(/step 1 of 1: made \S+\n {2}flag:default\/greeting, put\n {4}definition\n {6}then: \{/);

  for (const [args, change] of [
    [['set', 'greeting', file(LATER)], '    definition.defaultVariant\n      now:  "short"\n      then: "long"'],
    [['facts', 'greeting', '--owner', 'shop'], '    owner\n      now:  none\n      then: "shop"'],
    [['archive', 'greeting'], '    archivedAt\n      now:  none\n      then: 20'],
    [['delete', 'greeting'], '  flag:default/greeting, delete'],
  ] as const) {
    const asked = await json(bob, 'flags', ...args, '--propose');
    expect(asked).toMatchObject({ state: 'proposed', needsApproval: true });
    expect((await by(ann, ['requests', 'show', asked.id])).stdout).toContain(change);
    await by(bob, ['requests', 'cancel', asked.id]);
  }
});

test('a change of a flag waits for its time', async () => {
  const begin = Date.now();
  const { steps, state, id } = await json(ann, 'flags', 'archive', 'greeting', '--at', '2h');
  expect(state).toBe('scheduled');
  expect(steps[0].at).toBeGreaterThanOrEqual(begin + 2 * HOUR_MS);
  await by(ann, ['requests', 'cancel', id]);
  const both = await json(ann, 'flags', 'archive', 'greeting', '--at', '2h', '--propose');
  expect(both.state).toBe('proposed');
  await by(ann, ['requests', 'cancel', both.id]);
  const stale = await by(ann, ['flags', 'archive', 'greeting', '--at', '2h', '--if-revision', '9']);
  expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Expected revision 9') });
  for (const args of [
    ['facts', 'metrics', '--feature', '--owner', 'ops', '--propose'],
    ['facts', 'greeting', '--at', '2h'],
    ['archive', 'greeting', '--at', '2026-03-01T12:00'],
  ])
    expect(await by(ann, ['flags', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
});

test('the history of a flag says what each change changed', async () => {
  await by(ann, ['flags', 'set', 'old', file(FLAG), '--reason', 'first']);
  await by(ann, ['flags', 'set', 'old', file(LATER)]);
  await by(ann, ['flags', 'delete', 'old', '--yes', '--reason', 'done']);
  const lines = (await by(ann, ['flags', 'history', 'old'])).stdout.split('\n');
  expect(lines[0]).toMatch(/^revision +time +kind +who +changed +why$/);
  expect(lines[1]).toMatch(/^3 +\S+ +delete +ann +done$/);
  expect(lines[2]).toMatch(/^2 +\S+ +update +ann +definition\.defaultVariant "short"->"long"/);
  expect(lines[3]).toMatch(/^1 +\S+ +create +ann +first$/);
  const page = (await by(ann, ['flags', 'history', 'old', '--limit', '2'])).stdout;
  expect(page).toMatch(/\n2 .*"short"->"long".*\nolder ones: --cursor \d+\n$/);
  const [, cursor = ''] = /--cursor (\d+)/.exec(page) ?? [];
  expect((await by(ann, ['flags', 'history', 'old', '--cursor', cursor])).stdout).toMatch(/\n1 +\S+ +create .*\n$/);
  expect((await by(ann, ['flags', 'history', 'never'])).stderr).toContain('There has never been a flag');
});

test('what flags share is shown and put', async () => {
  expect((await by(ann, ['flags', 'shared'])).stdout).toMatch(/^config +default\nrevision +0\n[^]*"evaluators": \{\}/);
  const set = { evaluators: { staff: { ends_with: [{ var: 'email' }, '@example.com'] } }, metadata: { team: 'shop' } };
  expect((await by(ann, ['flags', 'shared', file(set)])).stdout).toBe(
    'saved what the flags of default share (revision 1)\n',
  );
  const shown = await json(ann, 'flags', 'shared');
  expect(shown).toMatchObject({ ...set, revision: 1, modifiedBy: 'ann' });
  expect((await by(ann, ['flags', 'shared', file({ ...shown, metadata: {} })])).exitCode).toBe(0);
  expect((await by(ann, ['flags', 'shared', file(shown)])).stderr).toContain('Expected revision 1');
  expect((await by(ann, ['flags', 'shared', file({ evaluator: {} })])).stderr).toContain("'evaluators'");
});
