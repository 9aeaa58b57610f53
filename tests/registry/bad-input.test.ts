/** Whatever is wrong with a request, its answer says so with a stable code, and nothing has changed. @module */
import { describe, expect, it } from 'vitest';
import { openApp, type TestApp } from './app-fixtures.ts';
import { configHex, DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
import { core } from '../../src/live/core.ts';

const MiB = 1024 * 1024;
const WANTED = { ...DEFAULT_CONFIG, rows: 77, cols: 99 };
const HEX = configHex(WANTED);
const RECORD = core().backend.recordSeal(encodeConfig(WANTED)).toHex();
const BAD_WRITES: readonly [what: string, path: string, body: unknown, status: number, code: string, detail: RegExp][] =
  [
    ['an unknown feature', 'config', { features: { debgu: true } }, 400, 'ERR_UNKNOWN_FEATURE', /debgu/],
    [
      'an unknown feature to flip',
      'features',
      { feature: 'debgu', enabled: true },
      400,
      'ERR_UNKNOWN_FEATURE',
      /debgu/,
    ],
    ['a value out of range', 'config', { rows: 256 }, 400, 'ERR_OUT_OF_RANGE', /rows: 256 \(must be 1-255\)/],
    ['a fraction', 'config', { cols: 1.5 }, 400, 'ERR_OUT_OF_RANGE', /cols/],
    ['a percentage out of range', 'features', { feature: 'debug', rollout: 101 }, 400, 'ERR_OUT_OF_RANGE', /101/],
    ['a wrong type', 'config', { rows: '24' }, 400, 'ERR_WRONG_TYPE', /rows: string/],
    [
      'a feature that is neither on nor off',
      'config',
      { features: { debug: 1 } },
      400,
      'ERR_WRONG_TYPE',
      /features.debug/,
    ],
    ['a list for a config', 'config', [1], 400, 'ERR_WRONG_TYPE', /body: array/],
    ['null for a config', 'config', 'null', 400, 'ERR_WRONG_TYPE', /body: null/],
    ['null for a reset', 'config/reset', 'null', 400, 'ERR_WRONG_TYPE', /body: null/],
    ['an unknown field', 'config', { row: 3 }, 400, 'ERR_UNKNOWN_FIELD', /row/],
    ['a prototype', 'config', '{"__proto__": {"rows": 3}}', 400, 'ERR_UNKNOWN_FIELD', /__proto__/],
    [
      'a prototype among features',
      'config',
      '{"features": {"__proto__": true}}',
      400,
      'ERR_UNKNOWN_FEATURE',
      /__proto__/,
    ],
    ['an unknown template', 'config/template', { templateName: 'prod' }, 400, 'ERR_UNKNOWN_TEMPLATE', /prod/],
    ['no template', 'config/template', {}, 400, 'ERR_WRONG_TYPE', /templateName/],
    ['12 bytes for a config', 'config', { hex: HEX.slice(0, -2) }, 400, 'ERR_CONFIG_LENGTH', /12/],
    ['14 bytes for a config', 'config', { hex: `${HEX}00` }, 400, 'ERR_CONFIG_LENGTH', /14/],
    ['bytes with a reserved one', 'config', { hex: `${HEX.slice(0, -2)}01` }, 422, 'ERR_CONFIG_INVALID', /reserved/],
    ['bytes out of range', 'config', { hex: `0x07${HEX.slice(4)}` }, 400, 'ERR_OUT_OF_RANGE', /version: 7/],
    ['bytes that are none', 'config', { hex: 'rows' }, 400, 'ERR_WRONG_TYPE', /hex/],
    ['half a byte', 'config', { hex: `${HEX}0` }, 400, 'ERR_WRONG_TYPE', /hex/],
    ['bytes beside a field', 'config', { hex: HEX, rows: 24 }, 400, 'ERR_WRONG_TYPE', /hex alone/],
    ['bytes twice', 'config', { hex: HEX, record: RECORD }, 400, 'ERR_WRONG_TYPE', /alone/],
    ['a wrong checksum', 'config', { record: `${RECORD.slice(0, -2)}00` }, 400, 'ERR_RECORD_CHECKSUM', /checksum/i],
    ['a record of 31 bytes', 'config', { record: RECORD.slice(2) }, 400, 'ERR_CONFIG_LENGTH', /31/],
    ['a record of something else', 'config', { record: `00${RECORD.slice(2)}` }, 400, 'ERR_RECORD_MAGIC', /./],
    ['a field checksum', 'config', { rows: 24, checksum: '0'.repeat(16) }, 400, 'ERR_UNKNOWN_FIELD', /checksum/],
    ['a path for a backup', 'config/restore', { backup: '../journal.db' }, 404, 'ERR_NOT_FOUND', /no backup/],
    ['broken JSON', 'config', '{"rows": 3', 400, 'ERR_BODY_JSON', /character 10/],
    ['a key twice', 'config', '{"rows": 3, "rows": 4}', 400, 'ERR_DUPLICATE_KEY', /"rows" twice/],
    ['a name with ..', 'config?name=../etc', { rows: 3 }, 400, 'ERR_NAME', /\.\./],
    ['an upper-case name', 'config?name=Checkout', { rows: 3 }, 400, 'ERR_NAME', /upper-case/],
    ['an unknown parameter', 'config?naem=checkout', { rows: 3 }, 400, 'ERR_BAD_REQUEST', /naem/],
    ['a parameter twice', 'config?name=a&name=b', { rows: 3 }, 400, 'ERR_BAD_REQUEST', /2 times/],
    [
      'a reason with a control character',
      'config',
      { rows: 3, reason: 'a\u0000b' },
      400,
      'ERR_NAME',
      /control character/,
    ],
    ['a reason that is too long', 'config', { rows: 3, reason: 'x'.repeat(5000) }, 400, 'ERR_OUT_OF_RANGE', /reason/],
    ['a reason that is no text', 'config', { rows: 3, reason: 7 }, 400, 'ERR_WRONG_TYPE', /reason/],
    ['a version that nobody knows', 'config', { version: 7 }, 400, 'ERR_OUT_OF_RANGE', /version: 7/],
    [
      'debug output in production',
      'config?name=a/production',
      { features: { debug: true } },
      422,
      'ERR_CONFIG_INVALID',
      /debug/,
    ],
    ['a migration that leads nowhere', 'config/migrate', { to: 9 }, 409, 'ERR_MIGRATION', /9/],
    ['a rollback to nowhere', 'config/rollback', { revision: 99 }, 404, 'ERR_ENTRY_NOT_FOUND', /99/],
    ['a rollback to two places', 'config/rollback', { revision: 1, entry: 1 }, 400, 'ERR_BAD_REQUEST', /one of/],
    ['a day that is none', 'config/rollback', { at: '2026-02-30' }, 400, 'ERR_WRONG_TYPE', /ISO/],
    ['a declared prototype', 'features', '{"declare": {"__proto__": 12}}', 400, 'ERR_FEATURE_NAME', /__proto__/],
    ['a declared text', 'features', { declare: { mine: '12' } }, 400, 'ERR_WRONG_TYPE', /declare.mine/],
    ['a time that is none', 'config/rollback', { at: 'yesterday' }, 400, 'ERR_WRONG_TYPE', /ISO/],
    ['two wishes', 'features', { feature: 'debug', enabled: true, rollout: 3 }, 400, 'ERR_BAD_REQUEST', /one of/],
    ['a declaration of a taken bit', 'features', { declare: { mine: 2 } }, 409, 'ERR_FEATURE_CONFLICT', /debug/],
    ['a declaration out of range', 'features', { declare: { mine: 32 } }, 400, 'ERR_OUT_OF_RANGE', /32/],
    ['a declaration of no name', 'features', { declare: { 'Mine!': 12 } }, 400, 'ERR_FEATURE_NAME', /Mine!/],
    ['a config that is not there', 'config/reset?name=nobody', {}, 404, 'ERR_NOT_FOUND', /nobody/],
    [
      'a new config with a fault',
      'config?name=fresh',
      { features: { nope: true } },
      400,
      'ERR_UNKNOWN_FEATURE',
      /nope/,
    ],
  ];

async function everything({ operations }: TestApp): Promise<unknown> {
  const { journal, configs } = await operations.status();
  return { seq: journal.head.seq, hash: journal.head.hash, configs, all: await operations.list() };
}

describe('a bad write', () => {
  it.each(BAD_WRITES)('%s: POST %s %j is %i %s', async (_what, path, body, status, code, detail) => {
    const app = await openApp();
    const before = await everything(app);
    const answer = await app.call('POST', path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    if (status !== 200) {
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status, code, type: `urn:13byte-config:error:${code}`, hint: /./ });
      expect(answer.body.detail).toMatch(detail);
    }
    expect(await everything(app)).toEqual(before);
    // And the next good one is done.
    expect((await app.call('POST', 'config', { rows: 77 })).body).toMatchObject({
      changed: true,
      config: { rows: 77 },
    });
  });

  it('with the right bytes would have been done: as the 13 of a config, or the 32 of a record', async () => {
    const { call } = await openApp();
    for (const [i, input] of [{ hex: HEX }, { record: RECORD }].entries()) {
      const { body } = await call('POST', `config?name=made-${i}`, { ...input, reason: 'whole' });
      expect(body).toMatchObject({ changed: true, config: { ...WANTED, hex: HEX } });
      expect((await call('POST', 'config/validate', { config: input })).body.isValid).toBe(true);
    }
    const damaged = await call('POST', 'config/validate', { config: { record: RECORD.replace(/.$/, 'g') } });
    expect([damaged.status, damaged.body.code]).toEqual([400, 'ERR_WRONG_TYPE']);
  });

  it('is answered with less than 64 KiB, whatever its size', async () => {
    const { call } = await openApp();
    const long = 'y'.repeat(MiB - 200);
    const many = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`field_${i}`, 1]));
    const asks: [path: string, body: unknown][] = [
      ['config', { [long]: 1 }],
      ['config', { rows: long }],
      ['config', { features: { [long]: true } }],
      ['config', { rollouts: { [long]: 5 } }],
      ['config', { rows: 3, reason: `\u0001${long}` }],
      ['config', { hex: `0x${'00'.repeat(MiB / 4)}` }],
      ['config', many],
      ['config/validate', { config: many }],
      ['config/validate', { config: { features: many } }],
      ['config/validate', { config: { features: { [long]: true } } }],
      ['config/template', { templateName: long }],
      ['config/restore', { backup: long }],
      ['config/rollback', { at: long }],
      ['features', { declare: { [long]: 12 } }],
      ['features', { declare: { mine: long } }],
      ['features', { feature: long, enabled: true }],
      ['features', { feature: long, rollout: 3 }],
    ];
    for (const [path, body] of asks) {
      const answer = await call('POST', path, body);
      expect(JSON.stringify(answer.body).length, `${path} ${answer.body.code}`).toBeLessThan(64 * 1024);
      expect(JSON.stringify(answer.body), path).not.toContain('y'.repeat(81));
    }
    const { errors } = (await call('POST', 'config/validate', { config: many })).body;
    expect([errors.length, errors.at(-1).message]).toEqual([21, 'and 39980 more']);
  });

  it('refuses a body over 1 MiB before it is parsed, announced or not', async () => {
    const app = await openApp();
    const before = await everything(app);
    const long = `{"reason": "${'x'.repeat(MiB)}"`;
    const announced = await app.send('POST', 'config', {
      body: long,
      headers: { 'content-type': 'application/json', 'content-length': String(long.length) },
    });
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024));
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(chunk);
      },
    });
    const chunked = await app.send('POST', 'config', {
      body: endless,
      headers: { 'content-type': 'application/json' },
    });
    for (const { status, body } of [announced, chunked]) {
      expect([status, body.code, body.details]).toEqual([413, 'ERR_BODY_TOO_LARGE', { limit_bytes: MiB }]);
    }
    expect(chunks).toBeLessThan(20);
    expect(await everything(app)).toEqual(before);
  });

  it('refuses a body that is not said to be JSON, and one that is not UTF-8', async () => {
    const app = await openApp();
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
    ];
    for (const type of types) {
      const answer = await app.send('POST', 'config', { body: '{}', headers: { 'content-type': type } });
      expect([answer.status, answer.body.code], type).toEqual([415, 'ERR_CONTENT_TYPE']);
    }
    const untyped = await app.send('POST', 'config', { body: new Uint8Array([123, 125]) });
    expect([untyped.status, untyped.body.code]).toEqual([415, 'ERR_CONTENT_TYPE']);
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const latin = await app.send('POST', 'config', { body: bytes, headers: { 'content-type': 'application/json' } });
    expect([latin.status, latin.body.code, latin.body.details]).toEqual([400, 'ERR_BODY_JSON', { position: null }]);
    const typed = await app.send('POST', 'config', {
      body: '{"rows": 9}',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    expect(typed.body.config.rows).toBe(9);
  });
});

describe('a bad read', () => {
  const READS: readonly [path: string, status: number, code: string][] = [
    ['config?name=nobody', 404, 'ERR_NOT_FOUND'],
    ['config?name=a/b/c', 400, 'ERR_NAME'],
    ['config?name=', 400, 'ERR_NAME'],
    [`config?name=${'a'.repeat(10_000)}`, 400, 'ERR_NAME'],
    ['config?nmae=a', 400, 'ERR_BAD_REQUEST'],
    ['config/history?limit=0', 400, 'ERR_OUT_OF_RANGE'],
    ['config/history?limit=1001', 400, 'ERR_OUT_OF_RANGE'],
    ['config/history?limit=many', 400, 'ERR_BAD_REQUEST'],
    ['config/history?cursor=-1', 400, 'ERR_BAD_REQUEST'],
    ['config/history?since=2026-13-01', 400, 'ERR_BAD_REQUEST'],
    ['config/history?since=2026-02-30', 400, 'ERR_BAD_REQUEST'],
    ['config/history?until=2025-02-29T12:00:00Z', 400, 'ERR_BAD_REQUEST'],
    ['config/history?since=2026-01-01T00:00', 400, 'ERR_BAD_REQUEST'],
    ['config/history?until=99999999999999999', 400, 'ERR_BAD_REQUEST'],
    ['config/history?field=flag', 400, 'ERR_UNKNOWN_FIELD'],
    ['config/analytics/field?field=__proto__', 400, 'ERR_UNKNOWN_FIELD'],
    ['configs?limit=1001', 400, 'ERR_OUT_OF_RANGE'],
    ['configs?limit=0', 400, 'ERR_OUT_OF_RANGE'],
    ['configs?on=debgu', 400, 'ERR_UNKNOWN_FEATURE'],
    ['configs?service=../x', 400, 'ERR_NAME'],
    ['env?format=xml', 400, 'ERR_BAD_REQUEST'],
    ['status?verbose=1', 400, 'ERR_BAD_REQUEST'],
    ['nothing', 404, 'ERR_NOT_FOUND'],
    ['/..%2f..%2fetc/passwd', 404, 'ERR_NOT_FOUND'],
  ];
  it('is answered with its code', async () => {
    const app = await openApp();
    for (const [path, status, code] of READS) {
      const answer = await app.call('GET', path);
      expect([answer.status, answer.body.code], path).toEqual([status, code]);
    }
  });

  it('of a path that is nearly one suggests it, and of a method says which there are', async () => {
    const { call } = await openApp();
    expect((await call('GET', 'config/histroy')).body.hint).toBe('Did you mean /_dashboard/api/config/history?');
    const configs = '/api/v1/configs';
    for (const rest of ['', '/history', '/features/debug']) {
      expect((await call('GET', `${configs}/checkout/production${rest}`)).body.hint).toBe(
        `Did you mean ${configs}/checkout%2Fproduction${rest}? The slash of a config's name is written %2F.`,
      );
    }
    const bare = await call('PATCH', `${configs}/default`, { rows: 30 }, { 'if-match': '1' });
    expect([bare.status, bare.body.hint]).toEqual([412, 'Write it as the ETag has it, in quotes: "1".']);
    const refused = await call('DELETE', 'config');
    expect([refused.status, refused.body.code, refused.headers.get('allow')]).toEqual([
      405,
      'ERR_METHOD',
      'OPTIONS, GET, HEAD, POST',
    ]);
    const options = await call('OPTIONS', 'features');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'OPTIONS, GET, HEAD, POST']);
  });
});

describe('a fault of ours', () => {
  it('is answered with an id alone; the log has the cause', async () => {
    const { call, operations, lines } = await openApp();
    await operations.store.journal.close();
    const closed = await call('GET', 'config');
    expect([closed.status, closed.body.code]).toEqual([503, 'ERR_CLOSED']);
    expect((await call('GET', '/health')).status).toBe(503);
    Object.defineProperty(operations, 'list', { value: () => Promise.reject(new Error('secret at /etc/x')) });
    const { status, body } = await call('GET', 'configs');
    expect([status, body.code]).toEqual([500, 'ERR_INTERNAL']);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(lines.join('\n')).toMatch(new RegExp(`error ${body.details.id}: .*secret at`));
  });
});
