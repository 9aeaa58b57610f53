/** Flags by the command line, on a registry that runs as a process of its own. @module */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { type Ran, type Registry, startRegistry, Workplace } from '../cli.ts';

const SAMPLES = fileURLToPath(new URL('../../flags/import/samples', import.meta.url));
const GREETING = {
  state: 'ENABLED',
  variants: { short: 'Hello', long: 'A good day to you' },
  defaultVariant: 'short',
  targeting: { if: [{ '===': [{ var: 'plan' }, 'pro'] }, 'long'] },
};

let place: Workplace;
let registry: Registry;
beforeAll(async () => {
  place = await Workplace.open();
  registry = await startRegistry(place.data);
});
afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

function c13(args: readonly string[], stdin = ''): Promise<Ran> {
  return place.c13(['flags', ...args, '--url', registry.url], { stdin });
}

test('a flag is set, asked, noted, archived and deleted', async () => {
  const set = await c13(['set', 'greeting', '-'], JSON.stringify(GREETING));
  expect(set).toMatchObject({ exitCode: 0, stdout: 'saved greeting of default (revision 1)\n' });
  const asked = await c13(['evaluate', 'greeting', '--context', '{"plan":"pro"}', '--key', 'user-1', '--json']);
  expect(JSON.parse(asked.stdout)).toMatchObject({ key: 'greeting', value: 'A good day to you', variant: 'long' });
  const noted = await c13([
    'facts',
    'greeting',
    '--owner',
    'shop',
    '--tags',
    'a, b',
    '--expires',
    '2027-01-31',
    '--visible',
  ]);
  expect(noted.stdout).toBe('noted greeting of default (revision 2)\n');
  const facts = {
    clientVisible: true,
    description: null,
    owner: 'shop',
    tags: ['a', 'b'],
    expiresAt: Date.UTC(2027, 0, 31),
  };
  expect(JSON.parse((await c13(['facts', 'greeting', '--json'])).stdout)).toEqual(facts);

  const shown = (await c13(['show', 'greeting', '--json'])).stdout;
  expect(JSON.parse(shown)).toMatchObject({ ...facts, definition: GREETING, revision: 2 });
  const soAlready = 'greeting of default: it was so already (revision 2)\n';
  expect((await c13(['set', 'greeting', '-'], shown)).stdout).toBe(soAlready);
  const renamed = JSON.stringify({ ...JSON.parse(shown), description: 'hello' });
  expect((await c13(['set', 'greeting', '-'], renamed)).stdout).toBe('saved greeting of default (revision 3)\n');
  expect((await c13(['set', 'greeting', '-'], shown)).stderr).toContain('Expected revision 2');
  expect((await c13(['set', 'other', '-'], shown)).stderr).toContain("The file is the flag 'greeting'");
  // A definition alone leaves what is said.
  await c13(['set', 'greeting', '-'], JSON.stringify({ ...GREETING, state: 'DISABLED' }));
  expect(JSON.parse((await c13(['facts', 'greeting', '--json'])).stdout)).toEqual({ ...facts, description: 'hello' });
  expect((await c13(['list', '--kind', 'rich', '--tag', 'b'])).stdout).toMatch(
    /\ngreeting +rich +string +disabled +shop/,
  );

  expect((await c13(['archive', 'greeting'])).stdout).toBe('archived greeting of default (revision 5)\n');
  const gone = await c13(['evaluate', 'greeting']);
  expect(gone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('There is no flag "greeting" in use') });
  expect((await c13(['list', '--archived', 'true'])).stdout).toMatch(/\ngreeting .* archived/);
  expect((await c13(['restore', 'greeting'])).exitCode).toBe(0);
  expect((await c13(['delete', 'greeting'])).stderr).toContain('--yes');
  expect((await c13(['delete', 'greeting', '--yes'])).stdout).toBe('deleted flag greeting\n');
  expect((await c13(['show', 'greeting'])).exitCode).toBe(1);
});

test('facts of a feature, and what is wrong is said', async () => {
  expect((await c13(['facts', 'metrics', '--feature', '--owner', 'ops'])).exitCode).toBe(0);
  const known = JSON.parse((await c13(['facts', 'metrics', '--feature', '--json'])).stdout) as object;
  expect(known).toMatchObject({ feature: 'metrics', owner: 'ops', clientVisible: false });
  expect((await c13(['facts', 'metrocs', '--feature'])).stderr).toContain("no feature 'metrocs'");
  expect(await c13(['evaluate', '--context', 'plan=pro'])).toMatchObject({ exitCode: 2 });
  expect((await c13(['evaluate', '--context', '{"a":{"constructor":1}}'])).stderr).toMatch(/^error: Not evaluated: /);
  expect((await place.on(['flags', 'list'])).stderr).toContain('does not take --database');
  const broken = await c13(['set', 'broken', '-'], JSON.stringify({ ...GREETING, defaultVariant: 'shrt' }));
  expect(broken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("Did you mean 'short'?") });
  expect((await c13(['stale', '--everywhere'])).stdout).toBe('no flag is stale\n');
});

test('an import shows what would come over, and writes it only when it may', async () => {
  const file = `${SAMPLES}/unleash-export.json`;
  const plan = await c13(['import', file, '--dry-run']);
  expect(plan.stdout).toMatch(/\ncheckout-redesign +partial +new\n/);
  expect(plan.stdout).toMatch(/\nlegacy-import +skipped +skipped\n/);
  expect(plan.stdout).toMatch(/\n\nerror {2}legacy-import: dependency-missing\n {7}\S.*\n {7}\/\S+\n\n/);
  expect(plan.stdout).toMatch(/\nwould write 6 of 7 flags of unleash to default\n$/);
  expect(plan.stderr).toBe('8 notes more: --json has all\n');
  const unasked = await c13(['import', file]);
  expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Write 6 of 7 flags to default?') });
  expect(unasked.stderr).toMatch(/\n8 notes more: --json has all\n[^]*Write 6 of 7/);
  expect((await c13(['list', '--kind', 'rich', '--json'])).stdout).toContain('"flags": []');

  const segments = ['--segments', `${SAMPLES}/unleash-segments.json`];
  const done = await c13(['import', file, ...segments, '--yes', '--prefix', 'u.', '--reason', 'moving', '--json']);
  expect(JSON.parse(done.stdout)).toMatchObject({ dryRun: false, format: 'unleash', written: 6 });
  const staff = ['--context', '{"plan":"beta"}', '--json'];
  expect(JSON.parse((await c13(['evaluate', 'u.checkout-redesign', ...staff])).stdout)).toMatchObject({ value: true });
  const again = await c13(['import', file, ...segments, '--prefix', 'u.']);
  expect(again.stdout).toMatch(/would write 0 of 7 flags/);
});

test('what was exported with its facts can be imported elsewhere, also as YAML', async () => {
  const exported = await c13(['export', '--facts']);
  await place.c13(['set', 'rows=40', '--name', 'copy', '--url', registry.url]);
  await Bun.write(`${place.directory}/flags.yaml`, Bun.YAML.stringify(JSON.parse(exported.stdout), null, 2));
  const copied = await c13(['import', 'flags.yaml', '--name', 'copy', '--yes']);
  expect(copied.stdout).toMatch(/wrote 6 of 6 flags of flagd to copy\n$/);
  expect((await c13(['export', '--facts', '--name', 'copy'])).stdout).toBe(exported.stdout);
});

test('a file of several MB is imported whole, and once', async () => {
  const flags = Array.from({ length: 2500 }, (_, i) => [`f${i}`, { ...GREETING, metadata: { note: 'x'.repeat(999) } }]);
  await Bun.write(`${place.directory}/large.json`, JSON.stringify({ flags: Object.fromEntries(flags) }));
  await place.c13(['set', 'rows=40', '--name', 'large', '--url', registry.url]);
  const done = await c13(['import', 'large.json', '--name', 'large', '--yes', '--json']);
  expect(JSON.parse(done.stdout)).toMatchObject({ format: 'flagd', written: 2500 });
  const again = await c13(['import', 'large.json', '--name', 'large', '--yes']);
  expect(again.stdout).toMatch(/would write 0 of 2500 flags of flagd to large\n$/);
}, 30_000);

test('what cannot be taken at all is a failure', async () => {
  const none = await c13(['import', '-', '--yes'], '{"features":1}');
  expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('This is no export') });
  const several = await c13(['import', `${SAMPLES}/unleash-state-v4.json`]);
  expect(several.stderr).toContain('Choose one of: development, production.');
  const lost = JSON.stringify({ flagValues: { list: [1] } });
  expect(await c13(['import', '-'], lost)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('None of the flags'),
  });
  expect((await c13(['import', '-', '--map', 'hostname'], lost)).exitCode).toBe(2);
});

test('an option that says nothing of the format of the file is refused', async () => {
  const flagd = JSON.stringify({ flags: { one: GREETING } });
  for (const option of [['--environment', 'production'], ['--partial'], ['--user-key', 'id'], ['--map', 'a=b']]) {
    const ran = await c13(['import', '-', '--dry-run', ...option], flagd);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(`${option[0]} says nothing of a file of flagd`);
  }
  const unleash = await c13(['import', `${SAMPLES}/unleash-export.json`, '--dry-run', '--partial']);
  expect(unleash).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('a file of unleash') });
});

test('keys of flags are completed', async () => {
  await c13(['set', 'zebra', '-'], JSON.stringify(GREETING));
  const words = ['flags', 'show', '--url', registry.url, 'z'];
  expect((await place.c13(['complete', '--', ...words])).stdout).toMatch(/^zebra\t/);
});
