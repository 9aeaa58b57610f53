/** The team's own templates and rules: kept, used by every write, seen as soon as anybody changes them. @module */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../journal/fixtures.ts';
import { run } from './fixtures.ts';
import { ANN, openOperations } from './operations-fixtures.ts';

const RULE = {
  severity: 'error',
  message: 'New code needs metrics',
  hint: 'Turn metrics on.',
  when: { on: ['new_checkout'] },
  require: { on: ['metrics'] },
};
const NEW = { features: { new_checkout: true } };

async function shop() {
  const opened = await openOperations();
  await opened.operations.declare('shop', { new_checkout: 12 }, ANN);
  await opened.operations.set('shop', {}, ANN);
  return opened;
}

describe('a template of the team', () => {
  it('is listed and applied where its features are known, and nowhere else', async () => {
    const { operations } = await shop();
    const { declarations } = operations;
    const made = await declarations.putTemplate(
      'launch',
      { set: ['new_checkout'], cols: 120 },
      { ...ANN, expected: 0 },
    );
    expect(made).toMatchObject({
      key: 'launch',
      revision: 1,
      value: { name: 'launch', set: ['new_checkout'], clear: [] },
    });
    const namesFor = async (name: string) => (await operations.templates(name)).map((template) => template.name);
    expect(await namesFor('shop/production')).toEqual(['development', 'staging', 'production', 'minimal', 'launch']);
    expect(await namesFor('mail')).toEqual(['development', 'staging', 'production', 'minimal']);
    const { config } = await operations.applyTemplate('shop', 'launch', ANN);
    expect(config).toMatchObject({ cols: 120, features: { enabled: ['new_checkout'] } });
    expect((await operations.history('shop')).entries[0]).toMatchObject({
      kind: 'template',
      reason: 'template launch',
    });
    expect(await codeOf(operations.applyTemplate('mail', 'launch', ANN))).toBe('ERR_UNKNOWN_FEATURE');
    expect(await codeOf(operations.applyTemplate('shop', 'lanch', ANN))).toBe('ERR_UNKNOWN_TEMPLATE');
    await declarations.templates.delete('launch', ANN);
    expect(await codeOf(operations.applyTemplate('shop', 'launch', ANN))).toBe('ERR_UNKNOWN_TEMPLATE');
  });

  it.each([
    ['production', { set: ['debug'] }, 'ERR_TEMPLATE_INVALID'],
    ['No Name', { set: ['debug'] }, 'ERR_TEMPLATE_INVALID'],
    ['launch', { name: 'other', set: ['debug'] }, 'ERR_WRONG_TYPE'],
    ['launch', {}, 'ERR_TEMPLATE_INVALID'],
    ['launch', { set: ['debug'], clear: ['debug'] }, 'ERR_TEMPLATE_INVALID'],
    ['launch', { set: ['De bug'] }, 'ERR_FEATURE_NAME'],
    ['launch', { set: 'debug' }, 'ERR_WRONG_TYPE'],
    ['launch', { sets: ['debug'] }, 'ERR_UNKNOWN_FIELD'],
    ['launch', null, 'ERR_WRONG_TYPE'],
  ])('is refused as %s %j', async (name, input, code) => {
    const { operations } = await openOperations();
    expect(await codeOf(operations.declarations.putTemplate(name, input, ANN))).toBe(code);
    expect(await operations.declarations.templates.count()).toBe(0);
  });
});

describe('a rule of the team', () => {
  it('judges every write, like the built-in ones, and what validate is asked', async () => {
    const { operations } = await shop();
    await operations.declarations.putRule('TEAM_METRICS', RULE, ANN);
    await expect(operations.set('shop', NEW, ANN)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      details: { issues: [{ code: 'TEAM_METRICS', path: 'featureFlags.metrics', message: RULE.message }] },
    });
    expect((await operations.validate('shop', NEW)).errors).toHaveLength(1);
    expect(
      await codeOf(
        operations.bulk(
          [
            { name: 'a', set: {} },
            { name: 'shop', set: NEW },
          ],
          ANN,
        ),
      ),
    ).toBe('ERR_CONFIG_INVALID');
    expect(await codeOf(operations.get('a'))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(operations.set('shop', NEW, { ...ANN, force: true }))).toBe('none');
    // What was wrong before stands in nobody's way.
    expect(await codeOf(operations.set('shop', { rows: 30 }, ANN))).toBe('none');
    await operations.declarations.putRule('TEAM_METRICS', { ...RULE, severity: 'warning' }, ANN);
    const { warnings } = await operations.set('shop', { rows: 31 }, ANN);
    expect(warnings.map(({ code }) => code)).toContain('TEAM_METRICS');
    await operations.declarations.rules.delete('TEAM_METRICS', ANN);
    expect((await operations.validate('shop')).warnings.map(({ code }) => code)).not.toContain('TEAM_METRICS');
  });

  it('has a code of its own', async () => {
    const { operations } = await openOperations();
    for (const code of ['PRODUCTION_DEBUG', 'team', '../x']) {
      expect(await codeOf(operations.declarations.putRule(code, RULE, ANN)), code).toBe('ERR_USAGE');
    }
  });

  it('counts from the next write, also when another process has made it', async () => {
    const { operations, persistPath } = await shop();
    expect(await codeOf(operations.set('shop', { rows: 40 }, ANN))).toBe('none');
    const { complaint } = await run('puts-rule.ts', [persistPath, 'TEAM_METRICS', JSON.stringify(RULE)]);
    expect(complaint).toBe('');
    expect(await codeOf(operations.set('shop', NEW, ANN))).toBe('ERR_CONFIG_INVALID');
  });
});

describe('how far the journal is', () => {
  it('is known from any append of any process, as soon as it is answered', async () => {
    const { operations, persistPath } = await shop();
    const { store } = operations;
    const at = async (): Promise<number> => (await store.journal.head()).seq;
    expect(store.head()).toBe(await at());
    await store.journal.append([
      { stream: 'x:1', type: 'x.made', actor: 'ann', reason: '', body: new Uint8Array(0), expected: 0 },
    ]);
    expect(store.head()).toBe(await at());
    const before = store.head();
    await run('puts-rule.ts', [persistPath, 'TEAM_METRICS', JSON.stringify(RULE)]);
    expect([store.head(), await at()]).toEqual([before + 1, before + 1]);
    await run('one-change.ts', [persistPath, 'debug']);
    expect(store.head()).toBe(await at());
  });

  it('is announced by the next look where a process was killed before it could', async () => {
    const { operations, persistPath } = await shop();
    const { store } = operations;
    const isJudged = async () => (await operations.validate('shop', NEW)).errors.length > 0;
    expect(await isJudged()).toBe(false);
    const before = store.head();
    const { signal } = await run('puts-rule.ts', [persistPath, 'TEAM_METRICS', JSON.stringify(RULE), 'dies']);
    expect([signal, store.head(), (await store.journal.head()).seq]).toEqual(['SIGKILL', before, before + 1]);
    expect(await isJudged()).toBe(false);
    await store.signUnattributed({ actor: 'registry', reason: '' });
    expect([store.head(), await isJudged()]).toEqual([before + 1, true]);
  });
});
