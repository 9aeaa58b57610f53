/**
 * Filters over what uplinks have: they hide versions, their tarballs too, and time alone changes the answer.
 * @module
 */
import { describe, expect, it } from 'vitest';
import { parseFilter, type Filter } from '../../../src/packages/filters/filter.ts';
import { opened, uplinkOf } from './opened.ts';
import { Upstream } from './upstream.ts';

const DAY_S = 24 * 60 * 60;

function house(input: object) {
  const upstream = new Upstream().serves('ui', {
    '1.0.0': { time: '2025-01-01T00:00:00.000Z' },
    '1.1.0': { time: '2025-12-31T00:00:00.000Z' },
  });
  const filters: readonly Filter[] = [{ name: 'it', ...parseFilter(input) }];
  const main = uplinkOf('main', { url: upstream.url, maxAge_s: 1_000_000 });
  return { upstream, ...opened([main], { filters: async () => filters }) };
}

describe('what is filtered', () => {
  it('is not in the packument, nor can its tarball be had, until it is old enough', async () => {
    const { uplinks, clock, upstream } = house({ effect: 'block', minAge_s: 2 * DAY_S });
    const young = await uplinks.packument('ui');
    expect(young?.document).toMatchObject({ 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': {} } });
    expect(JSON.stringify(young?.document)).not.toContain('1.1.0');
    await expect(uplinks.tarball('ui', '1.1.0')).rejects.toMatchObject({
      code: 'ERR_PACKAGE_BLOCKED',
      details: { package: 'ui', version: '1.1.0', filter: 'it' },
    });
    expect(await uplinks.blockedBy('ui', '1.1.0')).toBe('it');
    clock.advance(DAY_S * 1000);
    const old = await uplinks.packument('ui');
    expect(old?.document['dist-tags']).toEqual({ latest: '1.1.0' });
    expect(old?.etag).not.toBe(young?.etag);
    expect(await uplinks.blockedBy('ui', '1.1.0')).toBeNull();
    expect(await new Response((await uplinks.tarball('ui', '1.1.0'))!.body).text()).toBe('tarball of ui@1.1.0');
    expect(upstream.paths()).toEqual(['/ui', '/ui/-/1.1.0.tgz']);
  });

  it('leaves a package with nothing in it, when that is all', async () => {
    const { uplinks } = house({ effect: 'block', names: 'ui' });
    expect((await uplinks.packument('ui'))?.document).toMatchObject({ versions: {}, 'dist-tags': {} });
  });

  it('is the same answer while nothing changes', async () => {
    const { uplinks } = house({ effect: 'block', versions: '1.1.0' });
    expect(await uplinks.packument('ui')).toBe(await uplinks.packument('ui'));
  });
});
