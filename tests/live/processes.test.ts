/** Real processes on one board and one journal: racing, and killed at any moment. @module */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../journal/fixtures.ts';
import { open, run, script } from './fixtures.ts';

const ROUNDS = 110;
const FEATURES = { one: 12, two: 13, three: 14, four: 15 } as const;
const NAMES = Object.keys(FEATURES) as (keyof typeof FEATURES)[];

function shop(persistPath: string) {
  return open({ persistPath, enableClusterSync: true, name: 'shop', features: FEATURES, actor: 'parent' });
}

type Shop = ReturnType<typeof shop>;

function rolloutsOf(config: Shop): Record<string, number> {
  return Object.fromEntries(
    NAMES.map((name) => [name, config.getRollout(name)]).filter(([, percent]) => percent !== 0),
  );
}

/** The journal's newest state is what the board shows. Nobody else may be writing. */
async function expectAgreement(config: Shop): Promise<void> {
  await config.persist('look');
  const stored = await config.load();
  expect(stored).toMatchObject(config.config);
  const [newest] = await config.getHistory({ limit: 1 });
  expect(newest).toMatchObject({ revision: config.revision, rollouts: rolloutsOf(config), config: config.config });
}

/** Lets a child write until it has said so many revisions, and kills it. Answers the last it said. */
async function killAfter(lines: number, persistPath: string, task: string): Promise<number> {
  const child = Bun.spawn([process.execPath, script('board-writer.ts'), persistPath, task], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  let heard = '';
  if (lines === 0) child.kill('SIGKILL');
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as any) as AsyncIterable<string>) {
    heard += chunk;
    if (heard.split('\n').length > lines) child.kill('SIGKILL');
  }
  await child.exited;
  expect(child.signalCode).toBe('SIGKILL');
  return Math.max(0, ...heard.split('\n').map(Number));
}

describe('a writer that is killed between its swap and its entry', () => {
  it.each([
    ['flag', 'featureFlags'],
    ['rollout', 'rollouts'],
  ] as const)('shows in history as one unattributed change of a %s', async (what, field) => {
    const path = join(tempDirectory(), 'config.db');
    const config = shop(path);
    config.enableFeature('one');
    await config.persist('before');
    const { signal, complaint } = await run('board-writer.ts', [path, 'dies', what]);
    expect([signal, complaint]).toEqual(['SIGKILL', '']);
    expect([config.revision, config.flags.two, config.getRollout('two')]).toEqual(
      what === 'flag' ? [4, true, 0] : [4, false, 77],
    );
    config.enableFeature('three');
    await config.persist('after');
    const history = await config.getHistory();
    expect(history.map(({ revision, kind }) => [revision, kind])).toEqual([
      [6, 'persist'],
      [5, 'update'],
      [4, 'unattributed'],
      [3, 'persist'],
      [2, 'update'],
      [1, 'create'],
    ]);
    expect(history[2]).toMatchObject({ actor: null, seq: null, changedFields: [field] });
    expect((await config.getHistory({ field })).map(({ revision }) => revision)).toContain(4);
    expect((await config.getHistory({ actor: 'parent' })).map(({ revision }) => revision)).toEqual([6, 5, 3, 2, 1]);
    await config.rollback(3);
    expect([config.flags.two, config.getRollout('two'), config.flags.three]).toEqual([false, 0, false]);
    await config.rollback(4);
    expect([config.flags.two, config.getRollout('two'), config.flags.three]).toEqual(
      what === 'flag' ? [true, 0, false] : [false, 77, false],
    );
    await expectAgreement(config);
  });
});

describe('processes on one board', () => {
  it(`go on, and journal and board agree, through ${ROUNDS} kills of writers`, async () => {
    const path = join(tempDirectory(), 'config.db');
    const config = shop(path);
    for (let round = 0; round < ROUNDS; round += 2) {
      const lines = [0, 1].map((lane) => (Math.imul(round + lane, 0x9e3779b1) >>> 0) % 41);
      const said = await Promise.all([killAfter(lines[0]!, path, 'mixed'), killAfter(lines[1]!, path, 'flags')]);
      expect(config.revision).toBeGreaterThanOrEqual(Math.max(...said));
      config.toggleFeature('debug');
      await expectAgreement(config);
    }
    let covered = 0;
    for (let cursor: number | null = config.revision + 1; cursor !== null;) {
      const page = await config.getHistoryPage({ limit: 1000, cursor });
      for (const { kind, reason } of page.entries) covered += kind === 'unattributed' ? unsignedCount(reason) : 1;
      cursor = page.cursor;
    }
    expect(covered).toBe(config.revision);
  }, 180_000);

  it('lose no rollout, whoever writes at the same time', async () => {
    const path = join(tempDirectory(), 'config.db');
    const config = shop(path);
    const results = await Promise.all([
      run('board-writer.ts', [path, 'rollouts', 'one']),
      run('board-writer.ts', [path, 'rollouts', 'two']),
      run('board-writer.ts', [path, 'toggles', 'three']),
      run('board-writer.ts', [path, 'toggles', 'four']),
    ]);
    expect(results.map(({ exitCode, complaint }) => [exitCode, complaint])).toEqual(results.map(() => [0, '']));
    expect(rolloutsOf(config)).toEqual({ one: 100, two: 100 });
    expect(config.revision).toBe(1 + 100 + 100 + 200 + 200);
    // Without an entry of ours: what the writers themselves have entered is the state of the board.
    const [newest] = await config.getHistory({ limit: 1 });
    expect(newest).toMatchObject({ revision: 601, config: config.config });
    expect(await config.load()).toMatchObject(config.config);
    await expectAgreement(config);
    expect((await config.getHistory({ limit: 1000 })).filter(({ kind }) => kind === 'unattributed')).toEqual([]);
    for (const percent of [1, 50, 99]) {
      const change = (await config.getHistory({ limit: 1000 })).find(({ rollouts }) => rollouts!['one'] === percent)!;
      await config.rollback(change.revision);
      expect(config.getRollout('one')).toBe(percent);
    }
  }, 60_000);
});

/** `One change has no entry`, `3 changes have no entries`. */
function unsignedCount(reason: string): number {
  return /^\d/.test(reason) ? Number.parseInt(reason, 10) : 1;
}
