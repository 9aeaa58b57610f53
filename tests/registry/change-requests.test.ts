/** Change requests over HTTP, by people who have signed in, on a registry that really runs and is really killed. */
import { expect, it } from 'vitest';
import { openApp } from './app-fixtures.ts';
import { startProgram, type RunningProgram } from './fixtures.ts';
import { headOf, makeUser, startWithAdmin, withToken, type Somebody } from './identity-fixtures.ts';

const PATH = '/api/v1/change-requests';
const NAME = 'shop/production';
const HOUR_MS = 3_600_000;
const ON = { operations: [{ name: NAME, set: { features: { metrics: true } } }] };

async function propose({ call }: Pick<Somebody, 'call'>, body: object): Promise<any> {
  const answer = await call('POST', PATH, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  expect(answer.headers.get('location')).toBe(`${PATH}/${answer.body.id}`);
  return answer.body;
}

it('lets who may not write alone ask, and somebody else approve: once, of two at the same time', async () => {
  const { registry, ann } = await startWithAdmin();
  const [paul, otto] = [await makeUser(registry, ann, 'paul'), await makeUser(registry, ann, 'otto')];
  const grant = { role: 'operator', pattern: 'config:shop/*' };
  await ann.call('POST', '/api/v1/grants', { user: 'paul', ...grant, needsApproval: true });
  await ann.call('POST', '/api/v1/grants', { user: 'otto', ...grant });
  await ann.call('POST', '/api/v1/configs', { name: NAME });
  const direct = await paul.call('PATCH', `/api/v1/configs/${encodeURIComponent(NAME)}`, { rows: 9 });
  expect([direct.status, direct.body.code]).toEqual([403, 'ERR_APPROVAL_REQUIRED']);

  const { id, state, diff } = await propose(paul, { ...ON, reason: 'figures' });
  expect(state).toBe('proposed');
  expect(diff).toMatchObject([
    { stream: `config:${NAME}`, kind: 'update', changes: [{ field: 'features.metrics', before: false, after: true }] },
  ]);
  await expect
    .poll(async () => String((await ann.call('GET', '/metrics')).body), { timeout: 10_000 })
    .toContain('c13_change_requests{state="proposed"} 1');
  const head = await headOf(ann);
  const self = await paul.call('POST', `${PATH}/${id}/approve`, {});
  expect([self.status, self.body.code]).toEqual([403, 'ERR_SELF_APPROVAL']);
  const stale = await otto.call('POST', `${PATH}/${id}/approve`, {}, { 'if-match': '"9"' });
  expect([stale.status, stale.body.code]).toEqual([412, 'ERR_REVISION_CONFLICT']);
  expect(await headOf(ann)).toBe(head);

  const answers = await Promise.all([ann, otto].map(({ call }) => call('POST', `${PATH}/${id}/approve`, {})));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  const lost = answers.find(({ status }) => status === 409)!;
  expect(lost.body).toMatchObject({ code: 'ERR_CHANGE_REQUEST_STATE', details: { id, state: 'applied' } });
  expect(await headOf(ann)).toBe(head + 2);
  const { body: config } = await otto.call('GET', `/api/v1/configs/${encodeURIComponent(NAME)}`);
  expect(config.features.enabled).toContain('metrics');
  const made = (await paul.call('GET', `${PATH}/${id}`)).body;
  expect(made).toMatchObject({
    state: 'applied',
    due: null,
    diff: [],
    approval: { by: expect.stringMatching(/ann|otto/) },
  });
}, 30_000);

/** A request that was not due yet when the registry was killed, however busy this machine is, and the next registry. */
async function killedBeforeDue(first: RunningProgram, ann: Somebody, body: object) {
  let registry = first;
  for (let ahead_ms = 1000; ; ahead_ms *= 2) {
    const at = Date.now() + ahead_ms;
    const soon = await propose(withToken(registry, ann.token), { ...body, at });
    registry.child.kill('SIGKILL');
    await registry.child.exited;
    const isInTime = Date.now() < at;
    registry = await startProgram(registry.data);
    if (isInTime) return { soon, again: withToken(registry, ann.token) };
  }
}

it('keeps what waits over a kill, and makes it when it is due', async () => {
  const { registry, ann } = await startWithAdmin();
  await ann.call('POST', '/api/v1/configs', { name: NAME });
  const at = Date.now() + HOUR_MS;
  const later = await propose(ann, { ...ON, at });
  const ramp = { name: NAME, feature: 'debug', percents: [1, 2], pause_s: 3600 };
  const rising = await propose(ann, { ramp });
  const { soon, again } = await killedBeforeDue(registry, ann, { operations: [{ name: NAME, set: { rows: 77 } }] });
  const scheduled = (await again.call('GET', `${PATH}?state=scheduled`)).body.requests;
  expect(scheduled.map(({ id }: any) => id)).toEqual(expect.arrayContaining([rising.id, later.id]));
  expect((await again.call('GET', `${PATH}/${later.id}`)).body).toMatchObject({ state: 'scheduled', due: at });
  expect((await again.call('GET', `${PATH}/${rising.id}`)).body.steps[0].appliedAt).toBeGreaterThan(0);
  await expect
    .poll(async () => (await again.call('GET', `${PATH}/${soon.id}`)).body.state, { timeout: 10_000 })
    .toBe('applied');
  const config = (await again.call('GET', `/api/v1/configs/${encodeURIComponent(NAME)}`)).body;
  expect(config).toMatchObject({ rows: 77, rollouts: { debug: 1 } });
  const ended = await again.call('POST', `${PATH}/${rising.id}/cancel`, { note: 'enough' });
  expect(ended.body).toMatchObject({ state: 'cancelled', end: { by: 'ann', note: 'enough' } });
  const twice = await again.call('POST', `${PATH}/${rising.id}/cancel`, {});
  expect([twice.status, twice.body.code]).toEqual([409, 'ERR_CHANGE_REQUEST_STATE']);
}, 30_000);

it('shows a request to nobody who may not read all that it touches', async () => {
  const { registry, ann } = await startWithAdmin();
  const vera = await makeUser(registry, ann, 'vera');
  await ann.call('POST', '/api/v1/grants', { user: 'vera', role: 'operator', pattern: 'config:blog/*' });
  const both = ['shop/production', 'blog/production'].map((name) => ({ name, set: { rows: 9 } }));
  for (const { name } of both) await ann.call('POST', '/api/v1/configs', { name });
  const { id } = await propose(ann, { operations: both, needsApproval: true });
  const own = await propose(vera, { operations: [both[1]!], needsApproval: true });
  expect((await vera.call('GET', PATH)).body.requests.map((one: any) => one.id)).toEqual([own.id]);
  const answers = [
    await vera.call('GET', `${PATH}/${id}`),
    ...(await Promise.all(
      ['approve', 'reject', 'cancel'].map((verb) => vera.call('POST', `${PATH}/${id}/${verb}`, {})),
    )),
  ];
  const unknown = await vera.call('GET', `${PATH}/${'0'.repeat(16)}`);
  for (const { status, body } of answers) {
    expect([status, body.code, body.detail.replace(id, '0'.repeat(16))]).toEqual([
      404,
      'ERR_NOT_FOUND',
      unknown.body.detail,
    ]);
  }
  const refused = await vera.call('POST', PATH, { operations: both });
  expect([refused.status, refused.body.code]).toEqual([403, 'ERR_FORBIDDEN']);
}, 30_000);

it('lists page by page, the newest first, and takes ISO times', async () => {
  const { call } = await openApp();
  const at = new Date(Date.now() + HOUR_MS).toISOString();
  const ids: string[] = [];
  for (const rows of [1, 2, 3]) {
    const steps = [{ operations: [{ name: 'default', set: { rows } }], at }];
    ids.unshift((await propose({ call }, { steps })).id);
  }
  const seen: string[] = [];
  for (let cursor = ''; seen.length < 3;) {
    const { body } = await call('GET', `${PATH}?limit=1${cursor}`);
    seen.push(...body.requests.map((one: any) => one.id));
    cursor = `&cursor=${body.cursor}`;
    if (seen.length === 3) expect(body.cursor).toBeNull();
  }
  // Of those made in one millisecond, any may be the newer one.
  expect(seen.toSorted()).toEqual(ids.toSorted());
  expect(seen).toEqual(seen.toSorted().toReversed());
});
