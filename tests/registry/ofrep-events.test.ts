/** Streams that tell clients when to ask for flags again: when something that they see has changed. @module */
import { expect, it, onTestFinished } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { Evaluations } from '../../src/registry/evaluations.ts';
import { OfrepService } from '../../src/registry/ofrep-service.ts';
import { StreamTickets, type TicketHolder } from '../../src/registry/ofrep-tickets.ts';
import { openApp } from './app-fixtures.ts';
import { eventsOf, type EventReader } from './event-reader.ts';
import { BANNER, BULK, evaluate, flagsOf, putFlags } from './ofrep-fixtures.ts';

const HOUR_MS = 60 * 60 * 1000;
const SECRET = new Uint8Array(32).fill(7);
const ANN: TicketHolder = { kind: 'token', id: '1', isBrowser: false };
const PAGE: TicketHolder = { kind: 'token', id: '2', isBrowser: true };

function principalOf({ id: tokenId, isBrowser }: TicketHolder, pattern = '*'): Principal {
  const grants = [{ role: 'viewer', pattern, sections: null } as const];
  const scope = null;
  return { kind: 'token', actor: 'ann/ci', user: 'ann', grants, scope, readOnly: true, isBrowser, tokenId };
}

async function open(publicUrl: string | null = null) {
  const { operations } = await openApp();
  const flags = flagsOf(operations);
  const clock = { now: Date.UTC(2026, 0, 1) };
  const tickets = new StreamTickets(SECRET, () => clock.now);
  const level = { value: 0, add: (difference: number) => void (level.value += difference) };
  const people = new Map([ANN, PAGE].map((holder) => [holder.id, principalOf(holder)]));
  const failures: string[] = [];
  const service = new OfrepService({
    secret: SECRET,
    tickets,
    level,
    publicUrl,
    isCurrent: () => true,
    figures: { flagsEvaluated: { value: 0 } },
    evaluated: () => {},
    whois: async ({ id }) => people.get(id) ?? null,
    source: async (name) =>
      await flags.sourceOf(name, {
        ...(await operations.store.get(name)),
        features: await operations.store.features(name),
      }),
    onFailure: (failure) => failures.push(failure),
  });
  onTestFinished(operations.store.journal.onAppend((entries) => service.follow(entries)));
  onTestFinished(() => service.close());
  onTestFinished(() => expect(failures).toEqual([]));
  const listen = async (holder: TicketHolder, lastEventId: string | null = null): Promise<EventReader> =>
    eventsOf(await service.listen(tickets.issue({ holder, config: 'default' }), { lastEventId, closing: undefined }));
  return { operations, flags, service, tickets, clock, level, people, listen };
}

it('tells who comes for the first time, or has missed something, to ask; and nobody else', async () => {
  const { listen, flags } = await open();
  const first = await listen(ANN);
  const event = await first.next();
  expect(event).toMatchObject({ event: 'message', data: { type: 'refetchEvaluation', etag: `"${event.id}"` } });
  const [same, missed] = [await listen(ANN, event.id), await listen(ANN, 'something-old')];
  expect((await missed.next()).id).toBe(event.id);
  await putFlags(flags, 'default', { banner: BANNER });
  const next = await first.next();
  expect(next.id).not.toBe(event.id);
  // The first that it hears.
  expect((await same.next()).id).toBe(next.id);
  expect(first.retry_ms).toBeGreaterThanOrEqual(1000);
});

it('tells of many changes at once, and of nothing that changes no answer', async () => {
  const { listen, flags, operations } = await open();
  const reader = await listen(ANN);
  const ids = [(await reader.next()).id];
  const by = { actor: 'ann' };
  await operations.set('default', { rows: 99 }, by);
  await operations.set('elsewhere', { features: { debug: true } }, by);
  for (let i = 0; i < 20; i++) {
    await putFlags(flags, 'default', { banner: { ...BANNER, variants: { plain: `${i}`, bold: '' } } });
  }
  await operations.set('default', { features: { debug: true } }, by);
  const { version } = await versionNow(flags, operations);
  while (ids.at(-1) !== version) ids.push((await reader.next()).id);
  expect(ids.length).toBeLessThan(15);
  expect(new Set(ids).size).toBe(ids.length);
});

it('tells a page of what it sees alone', async () => {
  const { listen, flags } = await open();
  await putFlags(flags, 'default', { seen: BANNER }, true);
  const [page, all] = [await listen(PAGE), await listen(ANN)];
  const before = await page.next();
  await all.next();
  await putFlags(flags, 'default', { hidden: BANNER });
  await all.next();
  await flags.putFacts('default', 'debug', { clientVisible: true }, { actor: 'ann' });
  const after = await page.next();
  expect(after.id).not.toBe(before.id);
  await putFlags(flags, 'default', { hidden: { ...BANNER, state: 'DISABLED' } });
  await all.next();
  await putFlags(flags, 'default', { seen: { ...BANNER, state: 'DISABLED' } }, true);
  expect((await page.next()).id).not.toBe(after.id);
  expect(page.count).toBe(3);
});

it('is opened by a ticket for this config, as long as it is good and its holder may read', async () => {
  const { service, tickets, clock, people, listen, level } = await open();
  const how = { lastEventId: null, closing: undefined };
  const mine = { holder: ANN, config: 'default' };
  const ticket = tickets.issue(mine);
  expect(tickets.issue(mine)).toBe(ticket);
  for (const other of [
    { ...mine, holder: PAGE },
    { ...mine, config: 'shop' },
  ]) {
    expect(tickets.issue(other)).not.toBe(ticket);
  }
  expect(ticket).not.toContain('ann');
  const foreign = new StreamTickets(new Uint8Array(32), () => clock.now).issue(mine);
  const bad = ['', 'x', `${ticket.slice(0, -2)}AA`, foreign, ticket.slice(4)];
  for (const one of bad) await expect(service.listen(one, how)).rejects.toThrow('are not accepted');
  const reader = await listen(ANN);
  await reader.next();
  expect(level.value).toBe(1);
  clock.now += 13 * HOUR_MS;
  expect(tickets.issue(mine)).not.toBe(ticket);
  expect((await service.listen(ticket, how)).status).toBe(200);
  clock.now += 12 * HOUR_MS;
  await expect(service.listen(ticket, how)).rejects.toThrow('are not accepted');
  await service.recheck();
  expect(level.value).toBe(2);
  people.set(ANN.id, principalOf(ANN, 'config:other'));
  await service.recheck();
  await reader.end();
  expect(level.value).toBe(0);
  await expect(listen(ANN)).rejects.toThrow('are not accepted');
});

it('has its place in the answer for all flags, and another tag with another ticket', async () => {
  const { service, clock, tickets } = await open();
  const principal = principalOf(ANN);
  const ask = async (known: string | null = null) =>
    service.answer(await service.evaluations.read('default'), {
      key: null,
      bytes: new Uint8Array(0),
      principal,
      known,
    });
  const { text, etag } = await ask();
  const requestUri = `/ofrep/v1/events?ticket=${tickets.issue({ holder: ANN, config: 'default' })}`;
  expect(JSON.parse(text!).eventStreams).toEqual([{ type: 'sse', endpoint: { requestUri } }]);
  expect((await ask(etag!)).status).toBe(304);
  clock.now += 13 * HOUR_MS;
  expect((await ask(etag!)).status).toBe(200);
});

it('has its whole URL where it is said how the registry is reached', async () => {
  const { service } = await open('https://config.example');
  const asked = { key: null, bytes: new Uint8Array(0), principal: principalOf(ANN), known: null };
  const { text } = service.answer(await service.evaluations.read('default'), asked);
  const [stream] = JSON.parse(text!).eventStreams;
  expect(stream).toEqual({
    type: 'sse',
    url: expect.stringMatching(/^https:\/\/config\.example\/ofrep\/v1\/events\?/),
  });
});

it('ends when its client goes, when the config is gone it says so, and when the server stops', async () => {
  const { listen, level, operations, service, tickets } = await open();
  await operations.set('shop', { rows: 9 }, { actor: 'ann' });
  const closing = new AbortController();
  const how = { lastEventId: null, closing: closing.signal };
  const shop = eventsOf(await service.listen(tickets.issue({ holder: ANN, config: 'shop' }), how));
  await shop.next();
  await operations.delete('shop', { actor: 'ann' });
  expect((await shop.next()).id).toBe('gone');
  closing.abort();
  await shop.end();
  const one = await listen(ANN);
  await one.next();
  await one.leave();
  expect(level.value).toBe(0);
});

it('is answered by the route to whoever has the ticket, without a body to HEAD', async () => {
  const { call, app } = await openApp(undefined, () => owner('ann@loopback'));
  const { body } = await evaluate(call, BULK);
  const [{ endpoint }] = body.eventStreams;
  const url = `http://localhost:4873${endpoint.requestUri}`;
  const head = await app.fetch(new Request(url, { method: 'HEAD' }), { peer: null });
  expect([head.status, head.body, head.headers.get('content-type')]).toEqual([200, null, 'text/event-stream']);
  const none = await call('GET', '/ofrep/v1/events');
  expect([none.status, none.body.code]).toEqual([400, 'ERR_BAD_REQUEST']);
  const reader = eventsOf(await app.fetch(new Request(url), { peer: null }));
  expect((await reader.next()).data.type).toBe('refetchEvaluation');
  await reader.leave();
});

async function versionNow(
  flags: ReturnType<typeof flagsOf>,
  { store }: Awaited<ReturnType<typeof open>>['operations'],
): Promise<{ version: string }> {
  const hash = (text: string): string => new Bun.CryptoHasher('sha256', SECRET).update(text).digest('base64url');
  const source = async (name: string) =>
    await flags.sourceOf(name, { ...(await store.get(name)), features: await store.features(name) });
  const evaluations = new Evaluations({ source, isCurrent: () => false, hash });
  return { version: (await evaluations.read('default')).version('all') };
}
