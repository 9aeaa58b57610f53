/** Deliveries to a real server that fails, hangs, redirects and is gone: signed, in order, not for ever. @module */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { newWebhookSecret, parseWebhookSecret, signatureHeaders } from '../../src/metrics/webhook-signature.ts';
import {
  ATTEMPTS_MAX,
  delayOf,
  parseWebhookUrl,
  waitInProcess,
  Webhooks,
  type WebhookOptions,
  type WebhookTarget,
} from '../../src/metrics/webhooks.ts';
import { newFigures } from './fixtures.ts';

const SECRET = newWebhookSecret();
const EVENT = { type: 'alert.firing', at: 1_700_000_000_000, data: { rule: { name: 'slow' }, value: 5 } };

interface Got {
  readonly headers: Headers;
  readonly body: string;
  readonly path: string;
}

/** Answers as it is told, one after another; the last answer goes on. */
function receiver(...answers: ((got: Got) => Response | Promise<Response>)[]) {
  const got: Got[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const one = { headers: request.headers, body: await request.text(), path: new URL(request.url).pathname };
      got.push(one);
      for (const { count, resolve } of waiting) if (got.length >= count) resolve();
      waiting = waiting.filter(({ count }) => got.length < count);
      return await answers[Math.min(got.length, answers.length) - 1]!(one);
    },
  });
  onTestFinished(() => server.stop(true));
  const until = async (count: number): Promise<void> => {
    if (got.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ count, resolve });
    await promise;
  };
  return { got, until, url: `http://127.0.0.1:${server.port}/hook` };
}

const answer =
  (status: number, headers = {}) =>
  () =>
    new Response('no matter', { status, headers });
const hang = () => new Promise<Response>(() => {});

/** Waits for nothing, and keeps how long it would have waited. Resolves `settled` when nothing is under way. */
function webhooks(options: Partial<WebhookOptions> = {}) {
  const delays: number[] = [];
  const clock = { now: 1_700_000_000_000 };
  const { figures } = newFigures();
  const all = new Webhooks({
    now: () => clock.now,
    random: () => 1,
    wait: async (duration_ms) => {
      delays.push(duration_ms);
      clock.now += duration_ms;
    },
    figures: figures.webhooks,
    ...options,
  });
  onTestFinished(() => all.close());
  const outcomes = () => all.deliveries('ops').map(({ outcome, status, attempt }) => [outcome, status, attempt]);
  const settled = async (count: number) =>
    await expect.poll(() => all.deliveries('ops').length, { timeout: 10_000, interval: 5 }).toBe(count);
  return { all, delays, outcomes, settled, counts: figures.webhooks };
}

function target(url: string, more: Partial<WebhookTarget> = {}): WebhookTarget {
  return { name: 'ops', url, secret: SECRET, events: [], ...more };
}

test('the signature is that of Standard Webhooks', () => {
  expect(
    signatureHeaders(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    ),
  ).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

describe('a delivery', () => {
  it('is an event that its receiver can verify', async () => {
    const { got, until, url } = receiver(answer(204));
    const { all, settled, outcomes, counts } = webhooks();
    all.setTargets([target(url)]);
    all.send(EVENT);
    await until(1);
    await settled(1);
    const { headers, body } = got[0]!;
    expect(JSON.parse(body)).toEqual({ type: 'alert.firing', timestamp: '2023-11-14T22:13:20.000Z', data: EVENT.data });
    expect(headers.get('content-type')).toBe('application/json');
    const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`;
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    expect(headers.get('webhook-signature')).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    expect([outcomes(), counts.delivered.value]).toEqual([[['delivered', 204, 1]], 1]);
  });

  it('is tried again while its receiver fails or hangs: the same id, a new time, longer and longer', async () => {
    const { got, url } = receiver(answer(500), hang, answer(302, { location: '/elsewhere' }), answer(400), answer(200));
    const { all, settled, outcomes, delays, counts } = webhooks({ timeout_ms: 200 });
    all.setTargets([target(url)]);
    all.send(EVENT);
    await settled(5);
    expect(outcomes()).toEqual([
      ['delivered', 200, 5],
      ['retried', 400, 4],
      ['retried', 302, 3],
      ['retried', null, 2],
      ['retried', 500, 1],
    ]);
    expect(all.deliveries('ops')[3]!.fault).toBe('no answer within 200 ms');
    expect(delays).toEqual([1000, 4000, 16_000, 64_000]);
    expect(new Set(got.map(({ headers }) => headers.get('webhook-id'))).size).toBe(1);
    expect(new Set(got.map(({ headers }) => headers.get('webhook-timestamp'))).size).toBe(5);
    expect(new Set(got.map(({ body }) => body)).size).toBe(1);
    expect(got.map(({ path }) => path)).not.toContain('/elsewhere');
    expect([counts.retried.value, counts.delivered.value]).toEqual([4, 1]);
  });

  it('is given up after the last attempt, or when the receiver is gone; the next one is tried', async () => {
    const { url } = receiver(...Array<() => Response>(ATTEMPTS_MAX).fill(answer(503)), answer(410), answer(200));
    const { all, settled, outcomes } = webhooks();
    all.setTargets([target(url)]);
    for (let i = 0; i < 3; i++) all.send(EVENT);
    await settled(ATTEMPTS_MAX + 2);
    expect(outcomes().slice(0, 3)).toEqual([
      ['delivered', 200, 1],
      ['failed', 410, 1],
      ['failed', 503, ATTEMPTS_MAX],
    ]);
  });

  it('to where nobody listens says why', async () => {
    const { all, settled } = webhooks();
    all.setTargets([target('http://127.0.0.1:1/')]);
    all.send(EVENT);
    await settled(ATTEMPTS_MAX);
    expect(all.deliveries('ops')[0]).toMatchObject({
      outcome: 'failed',
      status: null,
      fault: expect.stringMatching(/refused/i),
    });
  });

  it('comes after those before it, and one receiver does not wait for another', async () => {
    const slow = receiver(answer(500), answer(500), answer(200));
    const quick = receiver(answer(200));
    const { all, settled } = webhooks();
    all.setTargets([target(slow.url), target(quick.url, { name: 'other', events: ['alert.resolved'] })]);
    for (const type of ['alert.firing', 'alert.resolved']) all.send({ ...EVENT, type });
    await settled(4);
    await quick.until(1);
    expect(slow.got.map(({ body }) => JSON.parse(body).type)).toEqual([
      'alert.firing',
      'alert.firing',
      'alert.firing',
      'alert.resolved',
    ]);
    expect(quick.got.map(({ body }) => JSON.parse(body).type)).toEqual(['alert.resolved']);
  });
});

test('an event that comes at the moment when nothing waits any more is delivered like any other', async () => {
  const { url } = receiver(answer(200));
  for (let turns = 0; turns < 12; turns++) {
    let isFirst = true;
    const { all, settled } = webhooks({
      now: () => {
        // Asked when an attempt is reported: from there on, so many turns later.
        const later = (left: number): void => (left === 0 ? all.send(EVENT) : queueMicrotask(() => later(left - 1)));
        if (all.deliveries('ops').length === 0 && !isFirst) later(turns);
        isFirst = false;
        return EVENT.at;
      },
    });
    all.setTargets([target(url)]);
    all.send(EVENT);
    await settled(2);
  }
});

describe('what waits', () => {
  it('is bounded: what comes on top is dropped, and said to be', async () => {
    const { until, url } = receiver(hang);
    const { all, outcomes, counts } = webhooks();
    all.setTargets([target(url)]);
    for (let i = 0; i < 250; i++) all.send(EVENT);
    await until(1);
    expect(counts.dropped.value).toBe(149);
    expect(outcomes()).toHaveLength(100);
    expect(all.deliveries('ops')[0]).toMatchObject({ outcome: 'dropped', attempt: 0, status: null });
  });

  it('is forgotten with its target, and at the end, also in the middle of an attempt or a pause', async () => {
    const { got, until, url } = receiver(hang);
    const { all } = webhooks();
    all.setTargets([target(url)]);
    for (let i = 0; i < 3; i++) all.send(EVENT);
    await until(1);
    all.setTargets([]);
    expect(() => all.deliveries('ops')).toThrow(/There is no webhook/);
    const pausing = receiver(answer(500));
    const real = webhooks({ wait: waitInProcess });
    real.all.setTargets([target(pausing.url)]);
    real.all.send(EVENT);
    await real.settled(1);
    await real.all.close();
    await all.close();
    expect([got.length, pausing.got.length]).toEqual([1, 1]);
  });

  it('goes to the new address when that was changed', async () => {
    const old = receiver(answer(500));
    const next = receiver(answer(200));
    const { all, settled } = webhooks({
      wait: async () => all.setTargets([target(next.url)]),
    });
    all.setTargets([target(old.url)]);
    all.sendTo('ops', { ...EVENT, type: 'ping' });
    await settled(2);
    expect([old.got.length, next.got.length]).toEqual([1, 1]);
    expect(() => all.sendTo('nobody', EVENT)).toThrow(/There is no webhook/);
  });
});

test('pauses grow to five minutes, and no two receivers need the same', () => {
  expect(Array.from({ length: 8 }, (_, i) => delayOf(i + 1, 1) / 1000)).toEqual([1, 4, 16, 64, 256, 300, 300, 300]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const most = delayOf(attempt, 1);
      expect(delayOf(attempt, random)).toBeGreaterThanOrEqual(most / 2);
      expect(delayOf(attempt, random)).toBeLessThanOrEqual(most);
    }),
    { seed: 13 },
  );
});

test('addresses and secrets are taken whole or refused, without a secret in the message', () => {
  expect(parseWebhookUrl('https://ops.example/hook?a=1')).toBe('https://ops.example/hook?a=1');
  const wrong = [
    '',
    'ops.example',
    'ftp://ops.example',
    'file:///etc/passwd',
    'http://ann:hunter2@ops.example',
    'javascript:1',
    null,
    5,
  ];
  for (const url of [...wrong, `http://a/${'a'.repeat(2000)}`]) {
    expect(() => parseWebhookUrl(url), String(url)).toThrow(expect.objectContaining({ code: 'ERR_WRONG_TYPE' }));
  }
  for (const secret of [newWebhookSecret(), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
    expect(parseWebhookSecret(secret)).toBe(secret);
  for (const secret of [
    '',
    'hunter2',
    'whsec_',
    'whsec_hunter2',
    'whsec_****************************',
    null,
    `${newWebhookSecret()}\n`,
  ]) {
    expect(() => parseWebhookSecret(secret)).toThrow(/must be whsec_ and 24 to 64 bytes/);
    expect(() => parseWebhookSecret(secret)).not.toThrow(/hunter2/);
  }
});
