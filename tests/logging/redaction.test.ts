/** No secret is written down: not under its name, not in a text, however deep; nothing else is lost. @module */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ConfigError } from '../../src/errors/errors.ts';
import { isSecretName, redact, REDACTED, redactQuery, redactText } from '../../src/logging/redaction.ts';
import { requestLog } from '../../src/logging/request-log.ts';
import { keptLines } from './lines.ts';

const SEED = { seed: 13, numRuns: 300 };
const WORD = fc.stringMatching(/^[A-Za-z0-9]{20,40}$/);
/** What nobody can tell from other text unless by its name. */
const PLAIN_SECRET = WORD.map((word) => `Zq${word}`);
const TOKEN = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{32,43}$/).map((word) => `c13_0${word}`),
  fc.tuple(WORD, WORD, WORD).map(([a, b, c]) => `eyJ${a}.eyJ${b}.${c}`),
  fc.base64String({ minLength: 32, maxLength: 44 }).map((word) => `whsec_${word}`),
);
const SECRET_NAME = fc.constantFrom(
  'authorization',
  'Authorization',
  'Proxy-Authorization',
  'cookie',
  'Set-Cookie',
  'password',
  'oldPassword',
  'new_password',
  'secret',
  'clientSecret',
  'token',
  'access_token',
  'refreshToken',
  'id-token',
  'key',
  'apiKey',
  'X-Api-Key',
  'private_key',
  'Idempotency-Key',
  'jwt',
  'passphrase',
);
const NAME = fc.constantFrom('user', 'path', 'body', 'headers', 'err', 'request', 'items', 'msg2', 'n\u00e4me');

/** Puts a value somewhere into an object: below fields, in lists, maps, headers' pairs and causes of errors. */
const nested = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      value,
      fc.array(fc.tuple(NAME, fc.constantFrom('field', 'list', 'map', 'set', 'cause', 'json')), { maxLength: 6 }),
    )
    .map(([inside, ways]) =>
      ways.reduce<unknown>((inner, [name, way]) => WRAP[way as keyof typeof WRAP](name, inner), inside),
    );

const WRAP = {
  field: (name: string, inner: unknown) => ({ [name]: inner, other: 1 }),
  list: (_name: string, inner: unknown) => ['first', inner],
  map: (name: string, inner: unknown) => new Map([[name, inner]]),
  set: (_name: string, inner: unknown) => new Set([inner]),
  cause: (name: string, inner: unknown) => Object.assign(new Error(name, { cause: inner }), { [name]: inner }),
  json: (name: string, inner: unknown) => ({ toJSON: () => ({ [name]: inner }) }),
};

/** Everything that a caller can do with a field and a text. */
function written(fields: unknown, text: string): string {
  const { logger, text: all } = keptLines();
  logger.info(text, { fields });
  logger.child({ fields }).warn('child');
  logger.fatal('failed', { err: new Error(text, { cause: fields }) });
  return all();
}

describe('a secret', () => {
  it('never leaves under its name, wherever it lies and whatever it is', () => {
    const named = fc
      .tuple(SECRET_NAME, PLAIN_SECRET, fc.constantFrom('text', 'object', 'list'))
      .map(([name, secret, form]) => ({
        name,
        secret,
        value: { text: secret, object: { a: secret }, list: [secret] }[form],
      }));
    fc.assert(
      fc.property(
        named.chain((one) => nested(fc.constant({ [one.name]: one.value })).map((fields) => ({ ...one, fields }))),
        ({ fields, secret }) => {
          const out = written(fields, 'what happened');
          expect(out).not.toContain(secret);
          expect(out).toContain('what happened');
        },
      ),
      SEED,
    );
  });

  it('never leaves when it looks like one of ours, whatever it is called and whatever is around it', () => {
    const around = fc.constantFrom('', ' ', '"', "'", '(', '/', '=', ',', ':', 'x ', '\n', '<', '&a=', '%20');
    fc.assert(
      fc.property(TOKEN, around, around, NAME, fc.boolean(), (token, before, after, name, asName) => {
        const text = `it said ${before}${token}${after} there`;
        const out = written(asName ? { [text]: 1 } : { [name]: text }, text);
        for (const part of token.split('.')) expect(out).not.toContain(part.replace(/^(eyJ|c13_|whsec_)/, ''));
      }),
      SEED,
    );
  });

  it('never leaves in a URL: its query, however it is written, and its user', () => {
    const encode = fc.constantFrom<(name: string) => string>(
      (name) => name,
      (name) => name.replace(/[a-z]/i, (c) => `%${c.charCodeAt(0).toString(16)}`),
      (name) => encodeURIComponent(name),
    );
    const name = fc.oneof(SECRET_NAME, fc.constantFrom('code', 'state', 'code_verifier'));
    fc.assert(
      fc.property(PLAIN_SECRET, name, encode, fc.boolean(), (secret, parameter, write, inText) => {
        const next = encodeURIComponent(`/b?token=${secret}`);
        const after = encodeURIComponent(`/c?next=${next}`);
        const query = `page=2&${write(parameter)}=${secret}&next=${next}&after=${after}`;
        const url = `https://ann:${secret}@example.com/a/b?${query}#end`;
        const out = inText ? written({ url }, `GET ${url} failed`) : written({ url: new URL(url) }, 'failed');
        expect(out).not.toContain(secret);
        expect(out).toContain('page=2');
      }),
      SEED,
    );
  });

  it('never leaves in a message: as JSON, as a header, as an assignment', () => {
    const forms: ((name: string, secret: string) => string)[] = [
      (name, secret) => JSON.stringify({ a: 1, [name]: secret }),
      (name, secret) => JSON.stringify(JSON.stringify({ [name]: secret })),
      (name, secret) => `${name}: ${secret}`,
      (name, secret) => `${name}=${secret}; path=/`,
      (name, secret) => `invalid ${name} = '${secret} and more ${secret}'`,
      (_name, secret) => `Authorization: Bearer ${secret}`,
      (_name, secret) => `Cookie: a=${secret}; session=${secret}`,
      (_name, secret) => `sent with basic ${secret}`,
      (_name, secret) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
    ];
    fc.assert(
      fc.property(SECRET_NAME, PLAIN_SECRET, fc.constantFrom(...forms), (name, secret, form) => {
        expect(written({ detail: form(name, secret) }, form(name, secret))).not.toContain(secret);
      }),
      SEED,
    );
  });

  it('never leaves with a request: in its target, in its headers', () => {
    fc.assert(
      fc.property(PLAIN_SECRET, TOKEN, (secret, token) => {
        const { logger, text } = keptLines();
        const request = new Headers({ authorization: `Bearer ${secret}`, cookie: `a=${secret}`, 'x-other': token });
        const response = new Headers({ 'set-cookie': `b=${secret}; HttpOnly`, location: `/next?code=${secret}` });
        const url = `http://localhost:4873/sign-in/${token}?code=${secret}&tok%65n=${secret}&page=2`;
        const facts = { id: 'request-1', method: 'GET', url, status: 200, duration_ms: 1, user: null, address: null };
        requestLog(logger)(facts, { request, response });
        expect(text()).not.toContain(secret);
        expect(text()).not.toContain(token.slice(8));
        expect(text()).toContain('page=2');
      }),
      SEED,
    );
  });
});

describe('what is no secret', () => {
  it('stays as it is', () => {
    for (const text of [
      'Application started',
      'c13_http_requests_total{route="/health"} 5',
      'c13_core_info crc64_kernel c13_crc64_value',
      'Is this so? yes: no=1',
      'the bearer token is missing',
      'GET /_dashboard/api/config?name=checkout&page=2 200',
      'ann@example.com',
    ]) {
      expect(redactText(text)).toBe(text);
    }
    const fields = { user: 'ann', count: 3, deep: { list: [1, 'two', null, true] }, at: 1e12 };
    expect(redact(fields)).toEqual(fields);
  });

  test('names are told by their words', () => {
    for (const name of ['key', 'apiKey', 'API_KEY', 'x-api-key', 'apikey', 'accesstoken', 'setCookie', 'PASSWORD']) {
      expect(isSecretName(name), name).toBe(true);
    }
    for (const name of ['keyboard', 'monkey', 'tokenizer', 'user', 'secretary', 'passed', 'name', 'revision']) {
      expect(isSecretName(name), name).toBe(false);
    }
  });

  test('a query keeps what can be kept', () => {
    expect(redactQuery('a=1&token=x&b&c=%2')).toBe(`a=1&token=${REDACTED}&b&c=%2`);
  });
});

test('a text made to be hard to read is read all the same', () => {
  const parts = [
    'key="',
    'key=\\"',
    "key='\\",
    'key',
    'secret ',
    'cookie:',
    'bearer ',
    '?',
    '?a=',
    '&a=%41',
    '%25',
    'eyJ',
    '://',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...parts, '-----BEGIN ', 'c13_', '=', '\\'), { minLength: 1, maxLength: 4 }),
      (some) => {
        const text = some.join('').repeat(10_000);
        expect(redactText(text).length).toBeGreaterThan(0);
        expect(redactQuery(text)).toBeTypeOf('string');
      },
    ),
    { seed: 13, numRuns: 60 },
  );
});

describe('a copy', () => {
  it('can always be made, and always be written', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withObjectString: true,
        }),
        (value) => {
          const { logger, all } = keptLines();
          logger.info('any', { value });
          expect(all()).toHaveLength(1);
        },
      ),
      SEED,
    );
  });

  it('follows no circle, reads no broken getter, and ends somewhere', () => {
    const circle: Record<string, unknown> = { a: 1 };
    circle['self'] = circle;
    let deep: unknown = 'end';
    for (let i = 0; i < 100; i++) deep = { deep };
    const broken = {
      get secret(): string {
        throw new Error('no');
      },
    };
    const copy = JSON.stringify(redact({ circle, deep, broken, bytes: new Uint8Array(5), big: 10n }));
    expect(copy).toContain('"self":"[circular]"');
    expect(copy).toContain('[deeper]');
    expect(copy).toContain('"broken":"[unreadable]"');
    expect(copy).toContain('"bytes":"[5 bytes]"');
    expect(copy).toContain('"big":"10"');
  });

  it('of an error says all of it but its secrets', () => {
    const cause = new Error('cannot reach https://ann:hunter22@db.example');
    const error = new ConfigError('ERR_BAD_REQUEST', { message: 'no', hint: 'Do', details: { parameter: 'p' }, cause });
    const copy = redact(error) as Record<string, any>;
    expect(copy).toMatchObject({ name: 'ConfigError', message: 'no', code: 'ERR_BAD_REQUEST', hint: 'Do' });
    expect(copy['stack']).toContain('redaction.test.ts');
    expect(copy['cause'].message).toBe(`cannot reach https://${REDACTED}@db.example`);
    expect(JSON.stringify(copy)).not.toContain('hunter22');
  });
});
