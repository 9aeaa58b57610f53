/** Change requests on rich flags: with the bits that follow them, and on what their own earlier steps have made. */
import { describe, expect, it } from 'vitest';
import { openApp } from './app-fixtures.ts';
import { codeOf, openWorld, switching } from './change-fixtures.ts';
import { HOUR_MS, SHOP, START, type World } from './change-world.ts';

const SWITCH = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' };
const FAST = `${SHOP}/fast`;
const ON = { flag: FAST, put: { definition: SWITCH } };
const OFF = { flag: FAST, patch: { definition: { defaultVariant: 'off' } } };

async function appends(world: World, work: () => Promise<unknown>): Promise<string[][]> {
  const seen: string[][] = [];
  const stop = world.operations.store.journal.onAppend(
    (entries) =>
      void seen.push(entries.map(({ stream }) => stream.replace(/^change_request:.*/, 'request')).toSorted()),
  );
  await work();
  stop();
  return seen;
}

async function stateOf(world: World, id: string): Promise<unknown> {
  const { state, failure } = (await world.requests.get(id)).value;
  return failure === null ? state : failure.code;
}

describe('the bit of a bound flag', () => {
  it('is in the append of the step that changes the flag, with its rollout', async () => {
    const world = await openWorld();
    await world.operations.set(SHOP, { rollouts: { fast: 30 } }, { actor: 'ann' });
    const made = await appends(world, () => world.propose('olaf', { operations: [ON], reason: 'now' }));
    expect(made).toEqual([[`config:${SHOP}`, `flag:${FAST}`, 'request']]);
    const { features, rollouts } = await world.operations.get(SHOP);
    expect([features.enabled, rollouts]).toEqual([['metrics', 'logging', 'fast'], {}]);
    const [change] = (await world.operations.history(SHOP, { limit: 1 })).entries;
    expect(change).toMatchObject({ actor: 'olaf', reason: expect.stringMatching(/^now \(change request /) });
    const again = await appends(world, () => world.propose('olaf', { operations: [ON] }));
    expect(again).toEqual([[`flag:${FAST}`, 'request']]);
  });

  it('is changed with other fields of its config, and with other configs', async () => {
    const world = await openWorld();
    const others = [
      { name: SHOP, set: { rows: 77, features: { slow: true } } },
      { name: 'blog', set: { rows: 5 } },
    ];
    const made = await appends(world, () => world.propose('olaf', { operations: [ON, ...others], force: true }));
    expect(made).toEqual([['config:blog', `config:${SHOP}`, `flag:${FAST}`, 'request']]);
    expect(await world.operations.get(SHOP)).toMatchObject({
      rows: 77,
      features: { enabled: ['metrics', 'logging', 'fast', 'slow'] },
    });
  });

  it.each([
    ['the same bit', { set: { features: { fast: false } } }],
    ['its rollout', { set: { rollouts: { fast: 5 } } }],
    ['the whole word', { set: { featureFlags: 0 } }],
    ['the whole config', { reset: true }],
  ])('is not changed beside %s, and the journal has not moved', async (_, change) => {
    const world = await openWorld();
    const before = await world.head();
    const work = world.propose('olaf', { operations: [ON, { name: SHOP, ...change }], at: START + HOUR_MS });
    expect(await codeOf(work)).toBe('ERR_DUPLICATE_KEY');
    expect(await world.head()).toBe(before);
  });

  it('needs the right to its section from whoever asks, and from whoever approves', async () => {
    const world = await openWorld();
    const { grants, identities } = world.identity;
    const grant = { user: 'vera', role: 'operator', sections: null } as const;
    await grants.create({ ...grant, pattern: 'flag:shop/*' }, { actor: 'ann' });
    await identities.fresh();
    const before = await world.head();
    expect(await codeOf(world.propose('vera', { operations: [ON] }))).toBe('ERR_FORBIDDEN');
    expect(await world.head()).toBe(before);
    const id = await world.propose('paul', { operations: [ON] });
    expect(await codeOf(world.application.approve(id, world.who('vera'), {}))).toBe('ERR_FORBIDDEN');
    await grants.create({ ...grant, pattern: 'config:shop/*', sections: ['feature:slow'] }, { actor: 'ann' });
    await identities.fresh();
    expect(await codeOf(world.application.approve(id, world.who('vera'), {}))).toBe('ERR_FORBIDDEN');
    await grants.create({ ...grant, pattern: 'config:shop/*', sections: ['feature:fast'] }, { actor: 'ann' });
    await identities.fresh();
    await world.application.approve(id, world.who('vera'), {});
    expect(await world.look(id)).toMatchObject({ state: 'applied', on: ['metrics', 'logging', 'fast'] });
  });

  it('is asked for approval where only the flag may be written alone', async () => {
    const world = await openWorld();
    const { grants, identities } = world.identity;
    const grant = { user: 'vera', role: 'operator', sections: null } as const;
    await grants.create({ ...grant, pattern: 'flag:shop/*' }, { actor: 'ann' });
    await grants.create({ ...grant, pattern: 'config:shop/*', needsApproval: true }, { actor: 'ann' });
    await identities.fresh();
    expect(await stateOf(world, await world.propose('vera', { operations: [ON] }))).toBe('proposed');
  });

  it('is judged with its config when it is asked for, unless forced', async () => {
    const world = await openWorld();
    const rule = { severity: 'error', message: 'm', hint: 'h', require: { off: ['fast'] } };
    await world.operations.declarations.putRule('NOT_FAST', rule, { actor: 'ann' });
    const before = await world.head();
    const later = { operations: [ON], at: START + HOUR_MS };
    expect(await codeOf(world.propose('olaf', later))).toBe('ERR_CONFIG_INVALID');
    expect(await world.head()).toBe(before);
    const id = await world.propose('olaf', { ...later, force: true });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect(await world.look(id)).toMatchObject({ state: 'applied', on: ['metrics', 'logging', 'fast'] });
  });

  it('is not bound in the config that the registry obeys', async () => {
    const world = await openWorld();
    const operations = [{ flag: 'registry/maintenance_mode', put: { definition: SWITCH } }];
    const before = await world.head();
    expect(await codeOf(world.propose('ann', { operations }))).toBe('ERR_FORBIDDEN');
    expect(await world.head()).toBe(before);
  });

  it('follows requests on a registry where nobody else may change it', async () => {
    const { call, operations, bound } = await openApp();
    await call('POST', '/api/v1/configs', { name: 'shop' });
    const flag = 'shop/metrics';
    const seen: boolean[] = [];
    for (const change of [
      { put: { definition: SWITCH } },
      { patch: { definition: { state: 'DISABLED' } } },
      { patch: { definition: { state: 'ENABLED' } } },
      { archive: true },
      { restore: true },
      { delete: true },
    ]) {
      const answer = await call('POST', '/api/v1/change-requests', { operations: [{ flag, ...change }] });
      expect([answer.status, answer.body.state], JSON.stringify(answer.body)).toEqual([201, 'applied']);
      seen.push((await operations.get('shop')).features.enabled.includes('metrics'));
    }
    expect(seen).toEqual([true, false, true, false, true, true]);
    await bound.look();
    const { entries } = await operations.history('shop');
    expect(entries.map(({ actor }) => actor)).toEqual(entries.map(() => 'ann@loopback'));
  });
});

describe('the config of a flag', () => {
  const BANNER = { flag: 'blog/banner', put: { definition: SWITCH } };
  const MADE = { name: 'blog', set: { rows: 5 } };
  const later = (...steps: object[][]) => ({
    steps: steps.map((operations, hour) => ({ operations, at: START + (hour + 1) * HOUR_MS })),
  });

  it.each([
    ['nobody has made, at once', { operations: [BANNER] }],
    ['nobody has made, later', later([BANNER])],
    ['an earlier step deletes', later([{ name: SHOP, delete: true }], [ON])],
    ['the same step deletes', later([{ name: SHOP, delete: true }, ON])],
    ['the same step deletes at once', { operations: [{ name: SHOP, delete: true }, ON] }],
    ['only a later step makes', later([BANNER], [MADE])],
    ['nobody has made, of a flag that is bound', { operations: [{ ...BANNER, flag: 'blog/metrics' }] }],
  ])('has to be there: one that %s is refused, and the journal has not moved', async (_, asked) => {
    const world = await openWorld();
    const before = await world.head();
    expect(await codeOf(world.propose('ann', asked))).toBe('ERR_NOT_FOUND');
    expect(await world.head()).toBe(before);
  });

  it('may be made by the same step, or by one before', async () => {
    const world = await openWorld();
    const metrics = { flag: 'blog/metrics', put: { definition: SWITCH } };
    const id = await world.propose('olaf', { ...later([MADE, BANNER], [metrics]), force: true });
    const preview = (await world.application.preview((await world.requests.get(id)).value)).flat();
    expect(preview.map(({ stream }) => stream)).toEqual(['config:blog', 'flag:blog/banner', 'flag:blog/metrics']);
    world.clock.now += 2 * HOUR_MS;
    await world.application.look();
    expect(await stateOf(world, id)).toBe('applied');
    expect((await world.flags.all('blog')).map(({ key }) => key)).toEqual(['banner', 'metrics']);
    expect((await world.operations.get('blog')).features.enabled).toEqual(['metrics']);
  });

  it('that is deleted before its hour fails the request', async () => {
    const world = await openWorld();
    const id = await world.propose('olaf', later([{ flag: `${SHOP}/banner`, put: { definition: SWITCH } }]));
    await world.operations.delete(SHOP, { actor: 'ann' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect([await stateOf(world, id), await world.flags.all(SHOP)]).toEqual(['ERR_NOT_FOUND', []]);
  });
});

describe('later steps', () => {
  const inAnHour = (operations: object[]) => ({ operations, at: START + HOUR_MS });

  it('change what earlier ones make, archive and delete', async () => {
    const world = await openWorld();
    const flag = `${SHOP}/banner`;
    const definition = { state: 'ENABLED', variants: { a: 'one', b: 'two' }, defaultVariant: 'a' };
    const steps = [
      [{ flag, put: { definition, owner: 'ann' } }],
      [{ flag, patch: { definition: { defaultVariant: 'b' } } }],
      [{ flag, archive: true }],
      [{ flag, restore: true }, ON],
      [OFF],
    ].map((operations, hour) => ({ operations, at: START + hour * HOUR_MS }));
    const id = await world.propose('olaf', { steps });
    const preview = (await world.application.preview((await world.requests.get(id)).value)).flat();
    expect(preview.map(({ difference }) => difference.changes.map(({ field }) => field))).toEqual([
      ['definition'],
      ['archivedAt'],
      ['archivedAt'],
      expect.arrayContaining(['definition']),
      ['definition'],
    ]);
    for (let hour = 1; hour < steps.length; hour++) {
      world.clock.now += HOUR_MS;
      await world.application.look();
    }
    expect([await stateOf(world, id), (await world.look(id)).on]).toEqual(['applied', ['metrics', 'logging']]);
    const { value } = await world.flags.get(SHOP, 'banner');
    expect(value).toMatchObject({ definition: { defaultVariant: 'b' }, owner: 'ann', archivedAt: null });
  });

  it('go on also when time passes while a step is made', async () => {
    const world = await openWorld();
    await world.propose('olaf', { operations: [ON] });
    const steps = [{ archive: true }, { restore: true }].map((change, hour) => ({
      operations: [{ flag: FAST, ...change }],
      at: START + hour * HOUR_MS,
    }));
    let now = START;
    Object.defineProperty(world.clock, 'now', { get: () => ++now });
    const id = await world.propose('olaf', { steps });
    now += HOUR_MS;
    await world.application.look();
    expect(await stateOf(world, id)).toBe('applied');
  });

  it.each([
    ['a change of what an earlier one deletes', [[ON], [{ flag: FAST, delete: true }], [OFF]], 'ERR_NOT_FOUND'],
    ['a change of what nobody makes', [[OFF]], 'ERR_NOT_FOUND'],
    [
      'a change that breaks what an earlier one makes',
      [[ON], [{ flag: FAST, patch: { definition: { defaultVariant: 'c' } } }]],
      'ERR_FLAG_INVALID',
    ],
    ['one flag twice in a step', [[ON, OFF]], 'ERR_DUPLICATE_KEY'],
  ])('are refused for %s, and the journal has not moved', async (_, all, code) => {
    const world = await openWorld();
    const before = await world.head();
    expect(await codeOf(world.propose('olaf', { steps: all.map(inAnHour) }))).toBe(code);
    expect(await world.head()).toBe(before);
  });

  it('see what somebody else has done to the flag meanwhile', async () => {
    const world = await openWorld();
    const steps = [[ON], [OFF]].map((operations, hour) => ({ operations, at: START + hour * HOUR_MS }));
    const id = await world.propose('olaf', { steps });
    const off = { kind: 'patch', input: { definition: { targeting: { if: [true, 'off'] } } } } as const;
    await world.flags.change(SHOP, 'fast', off, { actor: 'ann', isFeature: () => true });
    await world.operations.set(SHOP, { features: switching({ fast: false })[0]!.set.features }, { actor: 'ann' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect(await stateOf(world, id)).toBe('ERR_REVISION_CONFLICT');
  });
});
