/** Searches, audits and keys: what uplinks hear, and what becomes of their answers. @module */
import { describe, expect, it } from 'vitest';
import { faultOf, opened, uplinkOf } from './opened.ts';
import { deadUrl, Upstream } from './upstream.ts';

const BULK = '/-/npm/v1/security/advisories/bulk';
const QUICK = '/-/npm/v1/security/audits/quick';
const ADVISORY = { id: 1, title: 'bad', severity: 'high', vulnerable_versions: '<1.1.0' };

describe('an audit', () => {
  it('says nothing of what is ours, and hears nothing of what was not asked', async () => {
    const upstream = new Upstream().on(BULK, () =>
      Response.json({ ui: [ADVISORY], other: [ADVISORY], broken: 'x', '@acme/x': [ADVISORY] }),
    );
    const list = [uplinkOf('main', { url: upstream.url }), uplinkOf('ours', { url: null, patterns: ['@ours/*'] })];
    const { uplinks } = opened(list, { owned: ['@acme/x'] });
    const installed = { ui: ['1.0.0'], broken: ['1.0.0'], '@acme/x': ['1.0.0'], '@ours/y': ['2.0.0'] };
    expect(await uplinks.audit(BULK, installed)).toEqual({ ui: [ADVISORY] });
    expect(upstream.asked.map(({ body }) => JSON.parse(body))).toEqual([{ ui: ['1.0.0'], broken: ['1.0.0'] }]);
  });

  it('of nothing but ours asks nobody', async () => {
    const upstream = new Upstream();
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })], { owned: ['@acme/x'] });
    expect(await uplinks.audit(BULK, { '@acme/x': ['1.0.0'] })).toEqual({});
    expect(await uplinks.audit(QUICK, { dependencies: { '@acme/x': { version: '1.0.0' } } })).toMatchObject({
      advisories: {},
      metadata: { vulnerabilities: { high: 0 } },
    });
    expect(upstream.asked).toEqual([]);
  });

  it('asks each uplink for what is its, and puts their answers together', async () => {
    const [tools, main] = [new Upstream(), new Upstream()];
    tools.on(BULK, () => Response.json({ '@tools/a': [ADVISORY] }));
    main.on(BULK, () => Response.json({ ui: [ADVISORY] }));
    const list = [uplinkOf('tools', { url: tools.url, patterns: ['@tools/*'] }), uplinkOf('main', { url: main.url })];
    const { uplinks } = opened(list);
    const installed = { ui: ['1.0.0'], '@tools/a': ['1.0.0'] };
    expect(await uplinks.audit(BULK, installed)).toEqual({ ui: [ADVISORY], '@tools/a': [ADVISORY] });
    expect([tools, main].map(({ asked }) => asked.map(({ body }) => Object.keys(JSON.parse(body) as object)))).toEqual([
      [['@tools/a']],
      [['ui']],
    ]);
  });

  it('in the old way is cut too: what is ours, whose it is, and what is below it is still asked', async () => {
    const report = {
      actions: [1],
      advisories: { 7: {} },
      muted: [],
      metadata: { vulnerabilities: { high: 2 }, dependencies: 3 },
    };
    const upstream = new Upstream().on(QUICK, () => Response.json(report));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })], { owned: ['@acme/x', 'our-app'] });
    const tree = {
      name: 'our-app',
      version: '1.0.0',
      requires: { '@acme/x': '1', ui: '1' },
      install: ['@acme/x@1.0.0'],
      metadata: { machine: 'secret' },
      dependencies: {
        ui: { version: '1.0.0', requires: { '@acme/x': '1' } },
        '@acme/x': { version: '1.0.0', resolved: 'http://inside/', dependencies: { deep: { version: '2.0.0' } } },
      },
    };
    expect(await uplinks.audit(QUICK, tree)).toMatchObject({
      actions: [1],
      advisories: { 7: {} },
      metadata: { vulnerabilities: { high: 2, low: 0 }, dependencies: 3 },
    });
    const { body } = upstream.asked[0]!;
    expect(body).not.toMatch(/acme|our-app|secret|inside/);
    expect(JSON.parse(body)).toMatchObject({
      requires: { ui: '1' },
      dependencies: { ui: {}, deep: { version: '2.0.0' } },
    });
  });

  it('that an uplink does not know, or fails, does not say that all is well', async () => {
    const upstream = new Upstream();
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    for (const status of [404, 405, 410]) {
      upstream.on(BULK, () => new Response('', { status }));
      expect(await faultOf(uplinks.audit(BULK, { ui: ['1.0.0'] }))).toContain(
        `does not say what is unsafe (${status})`,
      );
    }
    upstream.on(BULK, () => new Response('', { status: 503 }));
    expect(await faultOf(uplinks.audit(BULK, { ui: ['1.0.0'] }))).toBe('it answered 503');
    upstream.on(BULK, () => new Response('<html>', { headers: { 'content-type': 'text/html' } }));
    expect(await faultOf(uplinks.audit(BULK, { ui: ['1.0.0'] }))).toContain('text/html');
    upstream.on(BULK, () => new Response('', { status: 307, headers: { location: upstream.url } }));
    expect(await faultOf(uplinks.audit(BULK, { ui: ['1.0.0'] }))).toContain('307');
  });

  it.each([[[]], ['x'], [{ ui: '1.0.0' }], [{ ui: [1] }]])('of %j is refused', async (body) => {
    const { uplinks } = opened([]);
    expect(await faultOf(uplinks.audit(BULK, body))).toBe('ERR_BAD_REQUEST');
  });

  it('of more packages than anybody has is refused; the names of one are looked up at once', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`p-${index}`, ['1.0.0']]));
    const batches: number[] = [];
    const ownedAmong = async (names: readonly string[]): Promise<ReadonlySet<string>> => {
      batches.push(names.length);
      return new Set(names);
    };
    const { uplinks } = opened([], { ownedAmong });
    expect(await uplinks.audit(BULK, many)).toEqual({});
    expect(batches).toEqual([5000]);
    const dependencies: Record<string, object> = Object.fromEntries(Object.keys(many).map((name) => [name, {}]));
    expect(await faultOf(uplinks.audit(QUICK, { dependencies }))).toBe('none');
    expect(await faultOf(uplinks.audit(BULK, { ...many, more: [] }))).toBe('ERR_BAD_REQUEST');
    dependencies['p-1'] = { dependencies: { more: {} } };
    expect(await faultOf(uplinks.audit(QUICK, { dependencies }))).toBe('ERR_BAD_REQUEST');
  });

  it('of a tree without an end is refused', async () => {
    let tree: object = {};
    for (let depth = 0; depth < 1000; depth++) tree = { dependencies: { ui: tree } };
    expect(await faultOf(opened([]).uplinks.audit(QUICK, tree))).toBe('ERR_BAD_REQUEST');
  });
});

describe('a search', () => {
  const hits = (...names: string[]): Response =>
    Response.json({ objects: names.map((name) => ({ package: { name, version: '1.0.0' } })), total: 9 });

  it('finds what uplinks have, each package of the one that would be asked for it, and nothing of ours', async () => {
    const [tools, main] = [new Upstream(), new Upstream()];
    tools.on('/-/v1/search', () => hits('@tools/a', 'ui'));
    main.on('/-/v1/search', () => hits('@tools/a', '@tools/b', 'ui', 'ui', '@acme/x'));
    const list = [
      uplinkOf('tools', { url: tools.url, patterns: ['@tools/*'] }),
      uplinkOf('main', { url: main.url }),
      uplinkOf('dead', { url: await deadUrl() }),
    ];
    const { uplinks, lines } = opened(list, { owned: ['@acme/x'] });
    const found = await uplinks.search('a & b', 1000);
    expect(found.map((hit) => (hit['package'] as { name: string }).name)).toEqual(['@tools/a', 'ui']);
    expect(main.paths()).toEqual(['/-/v1/search?text=a+%26+b&size=250']);
    expect(main.asked[0]?.headers.get('user-agent')).toContain('npm');
    expect(lines.filter(({ line }) => line === 'an uplink was left out').map(({ fields }) => fields['uplink'])).toEqual(
      ['dead'],
    );
  });
});

describe('a search for what is ours', () => {
  it.each(['@acme/x', 'foo scope:ACME', '@Ours/secret', 'scope:ours', 'OUR-tool'])(
    'is told nobody: %s',
    async (text) => {
      const upstream = new Upstream().on('/-/v1/search', () => Response.json({ objects: [] }));
      const list = [
        uplinkOf('main', { url: upstream.url }),
        uplinkOf('ours', { url: null, patterns: ['@Ours/*', 'our-*'] }),
      ];
      const { uplinks } = opened(list, { owned: ['@acme/x', '@acme/*'] });
      expect(await uplinks.search(text, 20)).toEqual([]);
      expect(upstream.asked).toEqual([]);
      await uplinks.search('theirs', 20);
      expect(upstream.asked).toHaveLength(1);
    },
  );
});

describe('keys', () => {
  const key = {
    keyid: 'SHA256:x',
    keytype: 'ecdsa-sha2-nistp256',
    scheme: 'ecdsa-sha2-nistp256',
    key: 'MFk',
    expires: null,
  };

  it('are those of all uplinks, asked for once in a while, and kept while one fails', async () => {
    const upstream = new Upstream().on('/-/npm/v1/keys', () => Response.json({ keys: [key, { keyid: 7 }, null] }));
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url })]);
    expect([await uplinks.keys(), await uplinks.keys()]).toEqual([[key], [key]]);
    expect(upstream.asked).toHaveLength(1);
    upstream.on('/-/npm/v1/keys', () => new Response('', { status: 500 }));
    clock.advance(3_600_000);
    expect(await uplinks.keys()).toEqual([key]);
    expect(upstream.asked).toHaveLength(2);
  });
});
