/** Who hears that a version was published: a registry that really runs, and those who follow its own config. @module */
import { expect, it } from 'vitest';
import type { Frame } from '../../bindings/backend.ts';
import { murmur3, MURMUR_SEED } from '../../bindings/murmur3.ts';
import { eventsOf } from '../registry/event-reader.ts';
import { makeUser, startWithAdmin, type Somebody } from '../registry/identity-fixtures.ts';
import { Probe } from './probe.ts';

const QUERY = 'name=registry';
const bearer = ({ token }: Somebody) => ({ authorization: `Bearer ${token}` });
const framesOf = ({ heard }: Probe) => heard.filter((one): one is Frame => one.type === 3);
const packagesOf = ({ heard }: Probe) => heard.filter(({ type }) => type === 'package');

async function openRegistry() {
  const { registry, ann } = await startWithAdmin();
  const follow = async (who: Somebody): Promise<Probe> => await Probe.open(registry.url, QUERY, bearer(who));
  const user = async (name: string, ...patterns: string[]): Promise<Somebody> => {
    const made = await makeUser(registry, ann, name);
    for (const pattern of patterns) await ann.call('POST', '/api/v1/grants', { user: name, role: 'viewer', pattern });
    return made;
  };
  const publish = async (name: string, version: string): Promise<void> => {
    const { status, body } = await ann.call('PUT', `/${name.replace('/', '%2f')}`, { name, version });
    if (status !== 201) throw new Error(JSON.stringify(body));
  };
  /** What was said before is there once this change is. */
  const settle = async (rows: number, ...probes: Probe[]): Promise<void> => {
    const { body } = await ann.call('PATCH', '/api/v1/configs/registry', { rows });
    for (const probe of probes) await probe.frames(body.config.revision);
  };
  return { registry, ann, follow, user, publish, settle };
}

it('tells by a frame of type 3 and by JSON, of what somebody may read', async () => {
  const { ann, follow, user, publish, settle } = await openRegistry();
  const [all, some, none, elsewhere] = [
    await follow(ann),
    await follow(await user('sue', 'config:registry', 'package:@acme/*')),
    await follow(await user('nora', 'config:registry')),
    await follow(ann),
  ];
  elsewhere.socket.close();
  await publish('left', '1.0.0');
  await publish('@acme/ui', '1.2.3');
  await publish('@acme/ui', '1.2.4');
  for (const probe of [all, some])
    await probe.until(() => packagesOf(probe).find((one: any) => one.version === '1.2.4'));
  await settle(33, all, some, none);
  const told = [
    { type: 'package', name: '@acme/ui', version: '1.2.3', tags: ['latest'] },
    { type: 'package', name: '@acme/ui', version: '1.2.4', tags: ['latest'] },
  ];
  expect(packagesOf(all)).toEqual([{ type: 'package', name: 'left', version: '1.0.0', tags: ['latest'] }, ...told]);
  expect(packagesOf(some)).toEqual(told);
  expect([packagesOf(none), framesOf(none)]).toEqual([[], []]);
  const valueOf = (text: string, revision: bigint): bigint =>
    (revision << 32n) | BigInt(murmur3(new TextEncoder().encode(text), MURMUR_SEED));
  expect(framesOf(some)).toEqual([
    { type: 3, offset: 0, value: valueOf('@acme/ui@1.2.3', 1n) },
    { type: 3, offset: 0, value: valueOf('@acme/ui@1.2.4', 2n) },
  ]);
});

it('a premium package is told of to those alone who have that right, a page hears of none', async () => {
  const { registry, ann, follow, user, publish, settle } = await openRegistry();
  await publish('ui', '1.0.0');
  await ann.call('PATCH', '/api/v1/packages/ui', { isPremium: true });
  await ann.call('PATCH', '/api/v1/configs/registry/features/premium_types', { enabled: true });
  const plain = await follow(await user('paul', 'config:registry', 'package:*'));
  const premium = await follow(await user('pam', 'config:registry', 'package:*', 'premium:*'));
  const made = await ann.call('POST', '/api/v1/tokens', {
    name: 'page',
    isBrowser: true,
    scope: [{ role: 'viewer', pattern: 'config:registry' }],
  });
  const page = await Probe.open(registry.url, QUERY, { authorization: `Bearer ${made.body.secret}` });
  await publish('ui', '1.1.0');
  await premium.message('package');
  await settle(34, plain, page);
  expect([packagesOf(plain), framesOf(plain), packagesOf(page), framesOf(page)]).toEqual([[], [], [], []]);
});

it('without frames by JSON alone, and as an event', async () => {
  const { registry, ann, follow, publish } = await openRegistry();
  await ann.call('PATCH', '/api/v1/configs/registry/features/binary_protocol', { enabled: false });
  const probe = await follow(ann);
  const events = eventsOf(await fetch(`${registry.url}/api/v1/configs/registry/events`, { headers: bearer(ann) }));
  const { id } = await events.next();
  await publish('ui', '1.0.0');
  await probe.message('package');
  expect(framesOf(probe)).toEqual([]);
  const data = { type: 'package', name: 'ui', version: '1.0.0', tags: ['latest'] };
  expect(await events.next()).toMatchObject({ event: 'package', data });
  expect(id).not.toBe('');
  await events.leave();
});
