/** Streams that tell clients when to ask for flags again: when something that they see has changed. @module */
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { ORDER } from '../../src/auth/identities.ts';
import { owner, type Principal } from '../../src/auth/rights.ts';
import type { FlagSource } from '../../src/flags/evaluation.ts';
import { Evaluations } from '../../src/registry/evaluations.ts';
import type { Holder } from '../../src/registry/holder.ts';
import { OfrepService } from '../../src/registry/ofrep-service.ts';
import { StreamTickets } from '../../src/registry/ofrep-tickets.ts';
import { StreamPlaces, type StreamPlaceLimits } from '../../src/registry/stream-places.ts';
import { openApp } from './app-fixtures.ts';
import { eventsOf, type EventReader } from './event-reader.ts';
import { BANNER, BULK, evaluate, flagsOf, putFlags } from './ofrep-fixtures.ts';

const HOUR_MS = 60 * 60 * 1000;
const SECRET = new Uint8Array(32).fill(7);
const ANN: Holder = { kind: 'token', id: '1', isBrowser: false };
const PAGE: Holder = { kind: 'token', id: '2', isBrowser: true };

function principalOf({ id: tokenId, isBrowser }: Holder, pattern = '*'): Principal {
  const grants = [{ role: 'viewer', pattern, sections: null } as const];
  const scope = null;
  return { kind: 'token', actor: 'ann/ci', user: 'ann', grants, scope, readOnly: true, isBrowser, tokenId };
}

interface Wanted {
  readonly publicUrl?: string;
  readonly limits?: Partial<StreamPlaceLimits>;
  /** Stands between what was read of a config and who asked for it. */
  readonly onRead?: (source: FlagSource) => Promise<FlagSource>;
}

const NOBODY = { peer: null };
const HOW = { lastEventId: null, closing: undefined, address: '192.0.2.1' };

afterEach(() => void vi.useRealTimers());

async function open({ publicUrl, limits = {}, onRead = async (source) => source }: Wanted = {}) {
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
    publicUrl: publicUrl ?? null,
    places: new StreamPlaces({ value: 0 }, limits),
    isCurrent: () => true,
    figures: { flagsEvaluated: { value: 0 } },
    evaluated: () => {},
    whois: async ({ id }) => people.get(id) ?? null,
    source: async (name) =>
      await onRead(
        await flags.sourceOf(name, {
          ...(await operations.store.get(name)),
          features: await operations.store.features(name),
        }),
      ),
    onFailure: (failure) => failures.push(failure),
  });
  onTestFinished(operations.store.journal.onAppend((entries) => service.follow(entries)));
  onTestFinished(() => service.close());
  onTestFinished(() => expect(failures).toEqual([]));
  const listen = async (
    holder: Holder,
    more: Partial<typeof HOW> | { lastEventId: string } = {},
  ): Promise<EventReader> =>
    eventsOf(await service.listen(tickets.issue({ holder, config: 'default' }), { ...HOW, ...more }));
  return { operations, flags, service, tickets, clock, level, people, listen };
}

it('tells who comes for the first time, or has missed something, to ask; and nobody else', async () => {
  const { listen, flags } = await open();
  const first = await listen(ANN);
  const event = await first.next();
  expect(event).toMatchObject({ event: 'message', data: { type: 'refetchEvaluation', etag: `"${event.id}"` } });
  const [same, missed] = [await listen(ANN, { lastEventId: event.id }), await listen(ANN, { lastEventId: 'old' })];
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
  for (const one of bad) await expect(service.listen(one, HOW)).rejects.toThrow('are not accepted');
  const reader = await listen(ANN);
  await reader.next();
  expect(level.value).toBe(1);
  clock.now += 13 * HOUR_MS;
  expect(tickets.issue(mine)).not.toBe(ticket);
  expect((await service.listen(ticket, HOW)).status).toBe(200);
  clock.now += 12 * HOUR_MS;
  await expect(service.listen(ticket, HOW)).rejects.toThrow('are not accepted');
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
  const { service } = await open({ publicUrl: 'https://config.example' });
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
  const how = { ...HOW, closing: closing.signal };
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

it('has one count of places with the other streams', async () => {
  const { call, app } = await openApp(undefined, () => owner('ann@loopback'), undefined, { total: 1 });
  const { body } = await evaluate(call, BULK);
  const url = `http://localhost:4873${body.eventStreams[0].endpoint.requestUri}`;
  const other = eventsOf(await app.fetch(new Request(`http://localhost:4873/api/v1/configs/default/events`), NOBODY));
  const full = await app.fetch(new Request(url), NOBODY);
  expect([full.status, full.headers.has('retry-after')]).toEqual([503, true]);
  expect(await full.json()).toMatchObject({ code: 'ERR_BUSY', detail: '1 streams are open already, in all' });
  await other.next();
  await other.leave();
  await eventsOf(await app.fetch(new Request(url), NOBODY)).next();
});

it('hears of what changes while it is being opened', async () => {
  const [reading, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let reads = 0;
  const { listen, operations, flags, service } = await open({
    onRead: async (source) => {
      if (++reads > 1) return source;
      reading.resolve();
      await goOn.promise;
      return source;
    },
  });
  const opening = listen(ANN);
  await reading.promise;
  // What has been read is old by now, and what follows is not read again by anything else.
  await operations.set('default', { features: { debug: true } }, { actor: 'ann' });
  const { version } = await versionNow(flags, operations);
  goOn.resolve();
  const reader = await opening;
  let told = '';
  while (told !== version) told = (await reader.next()).id!;
  expect((await service.evaluations.read('default')).version('all')).toBe(version);
});

it('takes so many from one address, from one page, with one token and in all', async () => {
  const limits = { perAddress: 4, perHolder: 5, perVisitor: 2, total: 7 };
  const { listen, level, people } = await open({ limits });
  const BOB: Holder = { kind: 'token', id: '3', isBrowser: false };
  const [here, there, third] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => ({ address }));
  const pages = [await listen(PAGE, here), await listen(PAGE, here)];
  await expect(listen(PAGE, here)).rejects.toThrow('2 streams are open already, from this address');
  for (let i = 0; i < 2; i++) await listen(ANN, here);
  await expect(listen(ANN, here)).rejects.toThrow('4 streams are open already, from this address');
  for (let i = 0; i < 3; i++) await expect(listen(BOB, there)).rejects.toThrow('are not accepted');
  for (let i = 0; i < 3; i++) await listen(ANN, there);
  await expect(listen(ANN, third)).rejects.toThrow('5 streams are open already, with these credentials');
  await expect(listen(PAGE, third)).rejects.toThrow('7 streams are open already, in all');
  expect(level.value).toBe(7);
  await pages[0]!.next();
  await pages[0]!.leave();
  people.set(BOB.id, principalOf(BOB));
  // All at once: there is no moment between the look and the place.
  const opened = await Promise.allSettled([listen(BOB, third), listen(BOB, third), listen(BOB, third)]);
  expect(opened.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(level.value).toBe(7);
});

it('ends at once when somebody may not listen any more, not by the clock', async () => {
  const { listen, people, service, level } = await open();
  const [ann, page] = [await listen(ANN), await listen(PAGE)];
  await Promise.all([ann.next(), page.next()]);
  people.set(PAGE.id, principalOf({ ...PAGE, isBrowser: false }));
  people.delete(ANN.id);
  service.follow([{ stream: ORDER } as Parameters<typeof service.follow>[0][0]]);
  await Promise.all([ann.end(), page.end()]);
  expect(level.value).toBe(0);
});

it('looks at nothing after the end, also where a look was under way', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const [looking, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
  let reads = 0;
  const { listen, service, flags } = await open({
    onRead: async (source) => {
      if (++reads === 1) return source;
      looking.resolve();
      return await failed.promise;
    },
  });
  await (await listen(ANN)).next();
  await putFlags(flags, 'default', { banner: BANNER });
  vi.advanceTimersByTime(200);
  await looking.promise;
  service.close();
  failed.reject(new Error('the journal is closed'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([reads, vi.getTimerCount()]).toEqual([2, 0]);
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
