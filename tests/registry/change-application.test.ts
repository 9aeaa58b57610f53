/** Change requests, made: who must approve, what is due when, what is refused, and that nothing moves then. @module */
import { describe, expect, it } from 'vitest';
import { codeOf, openWorld, switching } from './change-fixtures.ts';
import { HOUR_MS, SHOP, START } from './change-world.ts';

const ON = switching({ fast: true });

describe('who must approve', () => {
  it('nobody, where the author may do all of it: it is made at once, in one append', async () => {
    const world = await openWorld();
    const before = await world.head();
    const id = await world.propose('olaf', { operations: ON, reason: 'ready' });
    expect(await world.look(id)).toMatchObject({ state: 'applied', on: ['metrics', 'logging', 'fast'] });
    expect(await world.head()).toBe(before + 2);
    const [change] = (await world.operations.history(SHOP, { limit: 1 })).entries;
    expect(change).toMatchObject({ actor: 'olaf', reason: `ready (change request ${id})` });
  });

  it('somebody else, where the author may only propose, or asks for it', async () => {
    const world = await openWorld();
    for (const [author, asked] of [
      ['paul', {}],
      ['olaf', { needsApproval: true }],
    ] as const) {
      const id = await world.propose(author, { operations: switching({ fast: author === 'paul' }), ...asked });
      expect((await world.look(id)).state).toBe('proposed');
      const before = await world.head();
      expect(await codeOf(world.application.approve(id, world.who(author), {}))).toBe('ERR_SELF_APPROVAL');
      expect(await codeOf(world.application.approve(id, world.who('vera'), {}))).toBe('ERR_FORBIDDEN');
      expect(await world.head()).toBe(before);
      await world.application.approve(id, world.who('otto'), { note: 'yes' });
      expect((await world.look(id)).state).toBe('applied');
      expect((await world.requests.get(id)).value.approval).toMatchObject({ actor: 'otto', note: 'yes' });
    }
  });

  it('not the author by another token of his', async () => {
    const world = await openWorld();
    const id = await world.propose('paul', { operations: ON });
    const token = { ...world.who('paul'), kind: 'token', actor: 'paul/ci' } as const;
    expect(await codeOf(world.application.approve(id, token, {}))).toBe('ERR_SELF_APPROVAL');
    expect(await codeOf(world.application.reject(id, token, {}))).toBe('ERR_SELF_APPROVAL');
    await world.application.cancel(id, token, { note: 'no' });
    expect((await world.look(id)).state).toBe('cancelled');
  });

  it('of two who approve at once one is told that it is done', async () => {
    const world = await openWorld();
    const id = await world.propose('paul', { operations: ON });
    const answers = await Promise.all(
      (['olaf', 'otto'] as const).map((name) => codeOf(world.application.approve(id, world.who(name), {}))),
    );
    expect(answers.toSorted()).toEqual(['ERR_CHANGE_REQUEST_STATE', 'made: undefined']);
  });
});

describe('what is due', () => {
  it('is made at its moment, once, also when the clock jumps', async () => {
    const world = await openWorld();
    const id = await world.propose('olaf', { operations: ON, at: START + HOUR_MS });
    expect(await world.look(id)).toMatchObject({ state: 'scheduled', on: ['metrics', 'logging'] });
    world.clock.now += HOUR_MS - 1;
    await world.application.look();
    expect((await world.look(id)).state).toBe('scheduled');
    world.clock.now += 30 * 24 * HOUR_MS;
    await world.application.look();
    expect(await world.look(id)).toMatchObject({ state: 'applied', on: ['metrics', 'logging', 'fast'] });
    await world.operations.set(SHOP, { features: { fast: false } }, { actor: 'ann' });
    const before = await world.head();
    world.clock.now = START;
    for (const hours of [0, 1, 2]) {
      world.clock.now += hours * HOUR_MS;
      await world.application.look();
    }
    expect(await world.head()).toBe(before);
  });

  it('is made in order of time, across requests', async () => {
    const world = await openWorld();
    const off = { operations: switching({ fast: false }), at: START + 2 * HOUR_MS, force: true };
    const late = await world.propose('olaf', off);
    const early = await world.propose('olaf', { operations: ON, at: START + HOUR_MS });
    world.clock.now += 3 * HOUR_MS;
    await world.application.look();
    expect((await world.look(early)).state).toBe('applied');
    expect(await world.look(late)).toMatchObject({ state: 'applied', on: ['metrics', 'logging'] });
    const { entries } = await world.operations.history(SHOP, { limit: 2 });
    expect(entries.map(({ reason }) => reason)).toEqual([late, early].map((id) => `change request ${id}`));
  });

  it('steps of a ramp keep their order and their pauses', async () => {
    const world = await openWorld();
    const ramp = { name: SHOP, feature: 'fast', percents: [1, 50, 100], pause_s: 3600, thenOn: true };
    const id = await world.propose('olaf', { ramp });
    const seen = [(await world.look(id)).rollouts];
    for (const jump of [HOUR_MS - 1, 10 * HOUR_MS, -5 * HOUR_MS, 6 * HOUR_MS]) {
      world.clock.now += jump;
      await world.application.look();
      seen.push((await world.look(id)).rollouts);
    }
    const percents = seen.map((rollouts) => (rollouts as Record<string, number>)['fast']);
    expect(percents).toEqual([1, 1, 50, 50, 100]);
    expect(await world.look(id)).toMatchObject({ state: 'applied', on: ['metrics', 'logging', 'fast'] });
  });

  it('is not made where somebody has changed what the step before has set, unless force was said', async () => {
    const world = await openWorld();
    const ramp = { name: SHOP, feature: 'fast', percents: [10, 20], pause_s: 60 };
    const stopped = await world.propose('olaf', { ramp });
    await world.operations.set(SHOP, { rollouts: { fast: 0 }, rows: 99 }, { actor: 'ann' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect(await world.look(stopped)).toMatchObject({ state: 'failed', rollouts: {} });
    expect((await world.requests.get(stopped)).value.failure).toMatchObject({ code: 'ERR_REVISION_CONFLICT' });
    const id = await world.propose('olaf', { ramp, force: true });
    await world.operations.set(SHOP, { rollouts: { fast: 0 } }, { actor: 'ann' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect(await world.look(id)).toMatchObject({ state: 'applied', rollouts: { fast: 20 } });
  });

  it('fails when its author was disabled, and when his right has become one to propose', async () => {
    const world = await openWorld();
    const ids = [];
    for (const name of ['olaf', 'otto'] as const) {
      ids.push(await world.propose(name, { operations: ON, at: START + HOUR_MS }));
    }
    const { identities, users, grants } = world.identity;
    await users.update('olaf', { isDisabled: true }, { actor: 'ann' });
    const grant = [...(await identities.fresh()).grants.values()].find(({ value }) => value.user === 'otto')!;
    await grants.update(grant.key, { needsApproval: true }, { actor: 'ann' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    const failures = await Promise.all(ids.map(async (id) => (await world.requests.get(id)).value));
    expect(failures.map(({ state, failure }) => [state, failure?.code])).toEqual([
      ['failed', 'ERR_FORBIDDEN'],
      ['failed', 'ERR_APPROVAL_REQUIRED'],
    ]);
    expect((await world.look(ids[0]!)).on).toEqual(['metrics', 'logging']);
  });

  it('fails when the token that asked was revoked', async () => {
    const world = await openWorld();
    const { tokens, identities } = world.identity;
    const { token } = await tokens.create(
      { user: 'olaf', name: 'ci', expiresAt: START + 9 * HOUR_MS },
      { actor: 'olaf' },
    );
    const principal = { ...world.who('olaf'), kind: 'token', actor: 'olaf/ci', tokenId: token.id } as const;
    const ids = [];
    for (const hours of [1, 2]) {
      const asked = { operations: switching({ verbose: hours === 1 }), at: START + hours * HOUR_MS, force: true };
      ids.push(await world.application.propose(asked, principal));
    }
    world.clock.now += HOUR_MS;
    await identities.fresh();
    await world.application.look();
    await tokens.revoke(token.id, { actor: 'olaf' });
    world.clock.now += HOUR_MS;
    await world.application.look();
    const states = await Promise.all(ids.map(async (id) => (await world.look(id)).state));
    expect(states).toEqual(['applied', 'failed']);
  });

  it('expires when nobody approves it', async () => {
    const world = await openWorld();
    const id = await world.propose('paul', { operations: ON, expiresAt: START + HOUR_MS });
    world.clock.now += HOUR_MS;
    expect(await codeOf(world.application.approve(id, world.who('olaf'), {}))).toBe('ERR_CHANGE_REQUEST_STATE');
    await world.application.look();
    expect((await world.look(id)).state).toBe('expired');
    expect(await world.requests.open()).toEqual([]);
  });

  it('waits for the end of a maintenance, unless it is that end', async () => {
    const world = await openWorld();
    const at = START + HOUR_MS;
    const id = await world.propose('olaf', { operations: ON, at });
    const registry = (isOn: boolean) => [{ name: 'registry', set: { features: { maintenance_mode: isOn } } }];
    await world.propose('olaf', { operations: registry(true) });
    const end = await world.propose('olaf', { operations: registry(false), at });
    world.own.flags.maintenance_mode = true;
    const before = await world.head();
    expect(await codeOf(world.propose('olaf', { operations: ON }))).toBe('ERR_MAINTENANCE');
    expect(await world.head()).toBe(before);
    world.clock.now = at;
    await world.application.look();
    expect([(await world.look(id)).state, (await world.look(end)).state]).toEqual(['scheduled', 'applied']);
    world.own.flags.maintenance_mode = false;
    await world.application.look();
    expect((await world.look(id)).state).toBe('applied');
  });
});

describe('approving', () => {
  it('is refused where somebody has changed the same since, unless forced; the rest may change', async () => {
    const world = await openWorld();
    const id = await world.propose('paul', { operations: switching({ fast: true, slow: true }), at: START + HOUR_MS });
    await world.operations.set(SHOP, { features: { verbose: true } }, { actor: 'ann' });
    expect((await world.application.preview((await world.requests.get(id)).value)).flat()).toMatchObject([
      { stream: `config:${SHOP}`, difference: { changes: [{ field: 'features.fast' }, { field: 'features.slow' }] } },
    ]);
    await world.operations.set(SHOP, { features: { slow: true } }, { actor: 'ann' });
    await world.operations.set(SHOP, { rollouts: { fast: 5 } }, { actor: 'ann' });
    const before = await world.head();
    const approve = (how: object) => world.application.approve(id, world.who('olaf'), how);
    expect(await codeOf(approve({}))).toBe('ERR_REVISION_CONFLICT');
    expect(await codeOf(approve({ force: true, expected: 7 }))).toBe('ERR_REVISION_CONFLICT');
    expect(await world.head()).toBe(before);
    await approve({ force: true, expected: 1 });
    world.clock.now += HOUR_MS;
    await world.application.look();
    expect(await world.look(id)).toMatchObject({
      state: 'applied',
      on: ['metrics', 'logging', 'verbose', 'fast', 'slow'],
    });
  });

  it('needs the right to each thing and each section that is touched', async () => {
    const world = await openWorld();
    const { grants, identities } = world.identity;
    await identities.fresh();
    const narrow = { user: 'vera', role: 'operator', pattern: 'config:shop/*', sections: ['feature:slow'] } as const;
    await grants.create(narrow, { actor: 'ann' });
    await identities.fresh();
    const id = await world.propose('paul', { operations: switching({ fast: true, slow: true }) });
    expect(await codeOf(world.application.approve(id, world.who('vera'), {}))).toBe('ERR_FORBIDDEN');
    expect(await codeOf(world.propose('vera', { operations: ON }))).toBe('ERR_FORBIDDEN');
    expect(await codeOf(world.propose('vera', { operations: switching({ slow: true }) }))).toMatch(/^made/);
  });
});

describe('flags', () => {
  const definition = { state: 'ENABLED', variants: { a: 'one', b: 'two' }, defaultVariant: 'a' };
  const flag = `${SHOP}/banner`;

  it('change with configs, all or none', async () => {
    const world = await openWorld();
    await world.propose('olaf', { operations: [...ON, { flag, put: { definition } }] });
    expect(await world.flags.get(SHOP, 'banner')).toMatchObject({ modifiedBy: 'olaf', value: { definition } });
    const id = await world.propose('paul', {
      operations: [{ flag, patch: { definition: { defaultVariant: 'b' } } }, ...switching({ fast: false })],
    });
    await world.flags.change(SHOP, 'banner', { kind: 'archive', at: START }, { actor: 'ann', isFeature: () => false });
    await world.application.approve(id, world.who('olaf'), {});
    expect((await world.flags.get(SHOP, 'banner')).value).toMatchObject({
      definition: { defaultVariant: 'b' },
      archivedAt: START,
    });
    expect((await world.look(id)).on).toEqual(['metrics', 'logging']);
  });

  it('are refused as when they are written directly, and where they moved', async () => {
    const world = await openWorld();
    const before = await world.head();
    const broken = { definition: { ...definition, defaultVariant: 'c' } };
    expect(await codeOf(world.propose('olaf', { operations: [{ flag, put: broken }, ...ON] }))).toBe(
      'ERR_FLAG_INVALID',
    );
    expect(await codeOf(world.propose('olaf', { operations: [{ flag, delete: true }] }))).toBe('ERR_NOT_FOUND');
    expect(await world.head()).toBe(before);
    await world.propose('olaf', { operations: [{ flag, put: { definition } }] });
    const id = await world.propose('paul', { operations: [{ flag, patch: { definition: { defaultVariant: 'b' } } }] });
    const off = { kind: 'patch', input: { definition: { state: 'DISABLED' } } } as const;
    await world.flags.change(SHOP, 'banner', off, { actor: 'ann', isFeature: () => false });
    expect(await codeOf(world.application.approve(id, world.who('olaf'), {}))).toBe('ERR_REVISION_CONFLICT');
  });
});

describe('bad input', () => {
  const past = START - 2 * 60_000;
  it.each([
    ['a schedule in the past', { operations: ON, at: past }, 'ERR_OUT_OF_RANGE'],
    ['one in two years', { operations: ON, at: START + 2 * 366 * 24 * HOUR_MS }, 'ERR_OUT_OF_RANGE'],
    ['one at the end of time', { steps: [{ operations: ON, at: Number.MAX_SAFE_INTEGER }] }, 'ERR_OUT_OF_RANGE'],
    ['an expiry in the past', { operations: ON, expiresAt: START }, 'ERR_OUT_OF_RANGE'],
    [
      'steps that run back',
      { steps: [5, 4].map((h) => ({ operations: ON, at: START + h * HOUR_MS })) },
      'ERR_OUT_OF_RANGE',
    ],
    ['nothing', {}, 'ERR_WRONG_TYPE'],
    ['two ways at once', { operations: ON, ramp: {} }, 'ERR_WRONG_TYPE'],
    ['no operation', { operations: [] }, 'ERR_OUT_OF_RANGE'],
    [
      'too many',
      { operations: Array.from({ length: 101 }, (_, i) => ({ name: `a${i}`, reset: true })) },
      'ERR_OUT_OF_RANGE',
    ],
    ['too many steps', { steps: Array.from({ length: 51 }, () => ({ operations: ON })) }, 'ERR_OUT_OF_RANGE'],
    ['a config twice', { operations: [...ON, ...ON] }, 'ERR_DUPLICATE_KEY'],
    ['no verb', { operations: [{ name: SHOP }] }, 'ERR_WRONG_TYPE'],
    ['an unknown feature', { operations: switching({ warp: true }), at: START + HOUR_MS }, 'ERR_UNKNOWN_FEATURE'],
    ['a revision of its own', { operations: [{ ...ON[0], expected: 3 }] }, 'ERR_UNKNOWN_FIELD'],
    ['no such config', { operations: [{ name: 'nowhere', reset: true }], at: START + HOUR_MS }, 'ERR_NOT_FOUND'],
    ['a ramp that falls', { ramp: { name: SHOP, feature: 'fast', percents: [50, 1], pause_s: 1 } }, 'ERR_OUT_OF_RANGE'],
    ['a ramp of nothing', { ramp: { name: SHOP, feature: 'warp', percents: [50], pause_s: 1 } }, 'ERR_UNKNOWN_FEATURE'],
    ['a prototype', { operations: [{ name: SHOP, set: JSON.parse('{"__proto__":{"rows":1}}') }] }, 'ERR_UNKNOWN_FIELD'],
    ['a flag without a config', { operations: [{ flag: 'banner', delete: true }] }, 'ERR_NAME'],
    [
      'a million characters',
      { operations: [{ name: SHOP, set: { features: { ['x'.repeat(2 ** 20)]: true } } }] },
      'ERR_OUT_OF_RANGE',
    ],
  ])('%s is refused, and the journal has not moved', async (_, asked, code) => {
    const world = await openWorld();
    const before = await world.head();
    expect(await codeOf(world.propose('olaf', asked))).toBe(code);
    expect(await world.head()).toBe(before);
    expect((await world.operations.get(SHOP)).features.enabled).toEqual(['metrics', 'logging']);
  });
});

describe('upcoming changes of a config', () => {
  it('are those that nobody has to approve any more and that set plain values, in order', async () => {
    const world = await openWorld();
    const set = { features: { fast: true, logging: false }, rollouts: { slow: 5 }, terminalMode: 'raw', rows: 9 };
    const second = await world.propose('olaf', { operations: [{ name: SHOP, set }], at: START + 2 * HOUR_MS });
    await world.propose('paul', { operations: ON, at: START + HOUR_MS });
    await world.propose('olaf', { operations: [{ name: SHOP, template: 'minimal' }], at: START + HOUR_MS });
    const first = await world.propose('olaf', { operations: switching({ verbose: true }), at: START + HOUR_MS });
    expect(await world.upcoming(SHOP)).toEqual([
      { id: first, at: START + HOUR_MS, patch: { on: 0x100, off: 0, rollouts: {}, fields: {} } },
      {
        id: second,
        at: START + 2 * HOUR_MS,
        patch: { on: 0x1000, off: 0x80, rollouts: { slow: 5 }, fields: { terminalMode: 2, rows: 9 } },
      },
    ]);
    expect(await world.upcoming('default')).toEqual([]);
    await world.application.cancel(first, world.who('otto'), {});
    expect(await world.upcoming(SHOP)).toHaveLength(1);
  });
});
