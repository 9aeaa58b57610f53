/** A write that is sent again is done once, and answered as the first time. @module */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSideStore } from '../../src/journal/side-store.ts';
import { owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import { openApp } from './app-fixtures.ts';
import { startProgram, tempDirectory } from './fixtures.ts';

const CONFIG = '/api/v1/configs/default';
const KEY = { 'idempotency-key': '0d9e3c2a-1f' };

async function headOf({ operations }: Awaited<ReturnType<typeof openApp>>): Promise<number> {
  return (await operations.store.journal.head()).seq;
}

describe('an Idempotency-Key', () => {
  it('has a write done once: the second answer is the first, to the byte', async () => {
    const app = await openApp();
    const first = await app.call('POST', '/api/v1/configs', { name: 'new', rows: 30 }, KEY);
    const head = await headOf(app);
    const again = await app.call('POST', '/api/v1/configs', { name: 'new', rows: 30 }, KEY);
    expect(again).toMatchObject({ status: 201, body: first.body });
    for (const name of ['etag', 'location', 'content-type'])
      expect(again.headers.get(name)).toBe(first.headers.get(name));
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(await headOf(app)).toBe(head);
  });

  it('says nothing to what changes nothing: what was seen once is not seen again when it is gone', async () => {
    const app = await openApp();
    const path = '/ofrep/v1/evaluate/flags/banner';
    const banner = { definition: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' } };
    await app.call('PUT', `${CONFIG}/flags/banner`, banner);
    const seen = await app.call('POST', path, { context: {} }, KEY);
    await app.call('DELETE', `${CONFIG}/flags/banner`);
    const gone = await app.call('POST', path, { context: {} }, KEY);
    expect([seen.status, gone.status, gone.headers.get('idempotency-replayed')]).toEqual([200, 404, null]);
  });

  it('of a refusal brings the refusal, with what was there then', async () => {
    const app = await openApp();
    const asked = ['PATCH', CONFIG, { rows: 31 }, { ...KEY, 'if-match': '"7"' }] as const;
    const refused = await app.call(...asked);
    await app.call('PATCH', CONFIG, { rows: 40 });
    const again = await app.call(...asked);
    expect([refused.status, again.status]).toEqual([412, 412]);
    expect(again.body).toEqual(refused.body);
    expect(again.headers.get('content-type')).toBe('application/problem+json');
  });

  it('is for one request of one asker: another method, path, query, body or condition is refused', async () => {
    let actor = 'ann';
    const app = await openApp(undefined, () => owner(actor));
    await app.call('PATCH', CONFIG, { rows: 30 }, KEY);
    const head = await headOf(app);
    const others: Parameters<typeof app.call>[] = [
      ['PATCH', CONFIG, { rows: 31 }, KEY],
      ['PATCH', CONFIG, '{"rows": 30}', KEY],
      ['PATCH', '/api/v1/configs/registry', { rows: 30 }, KEY],
      ['POST', `${CONFIG}/reset`, {}, KEY],
      ['DELETE', `${CONFIG}?reason=x`, undefined, KEY],
      ['PATCH', CONFIG, { rows: 30 }, { ...KEY, 'if-match': '"2"' }],
    ];
    for (const other of others) {
      const { status, body } = await app.call(...other);
      expect([status, body.code, body.details], other.slice(0, 2).join(' ')).toEqual([
        422,
        'ERR_IDEMPOTENCY',
        { fault: 'reused' },
      ]);
    }
    expect(await headOf(app)).toBe(head);
    actor = 'bob';
    expect((await app.call('PATCH', CONFIG, { rows: 31 }, KEY)).body).toMatchObject({ changed: true });
  });

  it('makes those that come at once wait for the one that is done', async () => {
    const app = await openApp();
    const head = await headOf(app);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.call('POST', '/api/v1/configs', { name: 'once' }, KEY)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await headOf(app)).toBe(head + 1);
  });

  it('does not keep what failed here: the next one with it is done', async () => {
    const app = await openApp();
    const { operations } = app;
    const real = operations.set.bind(operations);
    Object.defineProperty(operations, 'set', { configurable: true, value: () => Promise.reject(new Error('no')) });
    const broken = await Promise.all([0, 1].map(() => app.call('PATCH', CONFIG, { rows: 30 }, KEY)));
    expect(broken.map(({ status }) => status)).toEqual([500, 500]);
    Object.defineProperty(operations, 'set', { configurable: true, value: real });
    const done = await app.call('PATCH', CONFIG, { rows: 30 }, KEY);
    expect([done.status, done.body.changed, done.headers.get('idempotency-replayed')]).toEqual([200, true, null]);
  });

  it('is asked for after the rights: who has lost them hears that, not the old answer', async () => {
    let isAdmin = true;
    const app = await openApp(undefined, () =>
      isAdmin ? owner('ann') : { ...owner('ann'), kind: 'user', grants: [] },
    );
    expect((await app.call('PATCH', CONFIG, { rows: 30 }, KEY)).status).toBe(200);
    isAdmin = false;
    expect((await app.call('PATCH', CONFIG, { rows: 30 }, KEY)).status).toBe(403);
  });

  it('brings an old answer only to who may still do what he might then', async () => {
    const read: Grant = { role: 'viewer', pattern: 'config:other/*', sections: null };
    let asker: Principal = { ...owner('ann/ci'), kind: 'token', user: 'ann' };
    const app = await openApp(undefined, () => asker);
    const asked = ['POST', '/api/v1/configs/bulk', { changes: [{ name: 'default', set: { rows: 30 } }] }, KEY] as const;
    const first = await app.call(...asked);
    expect(first.status).toBe(200);
    const head = await headOf(app);
    const all = asker;
    for (const less of [{ grants: [read] }, { scope: [read] }, { readOnly: true }]) {
      asker = { ...all, ...less };
      const { status, body } = await app.call(...asked);
      expect([status, body.details], JSON.stringify(less)).toEqual([422, { fault: 'reused' }]);
    }
    asker = { ...all };
    expect((await app.call(...asked)).body).toEqual(first.body);
    expect(await headOf(app)).toBe(head);
  });

  it('is printable and short, and nothing for what holds a secret', async () => {
    const app = await openApp();
    for (const key of ['a b', 'x'.repeat(201), ' ']) {
      const { status, body } = await app.call('PATCH', CONFIG, { rows: 30 }, { 'idempotency-key': key });
      expect([status, body.code, body.details.fault], key).toEqual([422, 'ERR_IDEMPOTENCY', 'malformed']);
    }
    const hook = await app.call('PUT', '/api/v1/webhooks/pager', { url: 'http://127.0.0.1:9' }, KEY);
    expect([hook.status, hook.body.details]).toEqual([422, { fault: 'secret' }]);
    expect((await app.call('GET', CONFIG, undefined, KEY)).headers.get('idempotency-replayed')).toBeNull();
  });
});

describe('kept answers', () => {
  it('outlive the registry, and are in the directory for a day', async () => {
    const data = join(tempDirectory(), 'data');
    const first = await startProgram(data);
    const made = await first.call('POST', '/api/v1/configs', { name: 'kept' }, KEY);
    first.child.kill('SIGKILL');
    await first.child.exited;
    const second = await startProgram(data);
    const again = await second.call('POST', '/api/v1/configs', { name: 'kept' }, KEY);
    expect([made.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 201, 'true']);
    expect(again.body).toEqual(made.body);
    const store = openSideStore({ path: join(data, 'scratch.db'), durable: false });
    onTestFinished(() => store.close());
    const [entry] = store.entries('idempotency');
    const left_h = (entry!.expiresAt! - Date.now()) / 3_600_000;
    expect(left_h > 23.5 && left_h <= 24).toBe(true);
  }, 30_000);
});
