/**
 * The document of a publish, read in pieces of any size: the same as one who has it whole, and strict about it. @module
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from '../../../src/config/json-fault.ts';
import type { Blobs } from '../../../src/packages/blobs/blobs.ts';
import { readDocument } from '../../../src/packages/intake/read-document.ts';
import { codeOf } from '../../journal/fixtures.ts';
import { all, pieces, sha512, someBytes } from '../blobs/fixtures.ts';
import { documentOf, openedBlobs, tarball } from './fixtures.ts';

const LIMIT = 10_000_000;
const SEED = 42;

interface Read {
  readonly document: unknown;
  readonly attachments: readonly (readonly [string, string, string])[];
}

async function read(blobs: Blobs, bytes: Uint8Array, size = 65_536): Promise<Read> {
  const incoming = await readDocument(pieces(bytes, size), { blobs, limit_bytes: LIMIT });
  const attachments = [...incoming.attachments].map(
    ([file, { contentType, draft }]) => [file, contentType, draft.hash] as const,
  );
  await incoming.drop();
  return { document: incoming.document, attachments };
}

type Opened = ReturnType<typeof openedBlobs>;
type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What is right, from the whole text; null: it is to be refused. */
function whole(text: string): Read | null {
  if (findJsonFault(text) !== null) return null;
  const document: unknown = JSON.parse(text);
  if (!isObject(document)) return null;
  const { _attachments: files = {} } = document;
  if (files === null) return { document, attachments: [] };
  if (!isObject(files) || Object.keys(files).length > 4) return null;
  const attachments: Read['attachments'][number][] = [];
  for (const [file, value] of Object.entries(files)) {
    if (!isObject(value)) return null;
    const { data, content_type: type } = value;
    if (typeof data !== 'string') continue;
    const isTarball = file.endsWith('.tgz');
    if (isTarball && (!BASE64.test(data) || Buffer.from(data, 'base64').toString('base64') !== data)) return null;
    if (isTarball) value['data'] = '';
    attachments.push([
      file,
      typeof type === 'string' ? type : '',
      sha512(Buffer.from(data, isTarball ? 'base64' : 'utf8')),
    ]);
  }
  return { document, attachments };
}

async function agrees({ blobs, path }: Opened, text: string, size: number): Promise<void> {
  const expected = whole(text);
  const bytes = Buffer.from(text);
  if (expected === null) await expect(read(blobs, bytes, size)).rejects.toMatchObject({ name: 'ConfigError' });
  else expect(await read(blobs, bytes, size)).toEqual(expected);
  expect(filesIn(path)).toEqual([]);
}

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(path, name)).isFile() && !name.includes('.lock'),
  );
}

/** Any character may be written as its number. */
function escapedText(text: string, isEscaped: (index: number) => boolean): string {
  const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return Array.from(text, (char, i) => (isEscaped(i) ? escape(char) : char)).join('');
}

const data = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc.stringMatching(/^[A-Za-z0-9+/=\\ "]{0,12}$/),
);
const file = fc.constantFrom('a-1.0.0.tgz', '@acme/ui-1.0.0.tgz', 'a-1.0.0.sigstore', '.tgz', 'tgz');
const attachment = fc.record(
  {
    content_type: fc.string(),
    data: fc.oneof(data, fc.jsonValue({ maxDepth: 2 })),
    length: fc.nat(),
    x: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const files = fc.oneof(
  { weight: 6, arbitrary: fc.dictionary(file, attachment, { maxKeys: 5 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);
const decoy = fc.constantFrom<unknown>(
  { data: 'AAAA' },
  { 'a.tgz': { data: '!' } },
  '"data":"',
  [{ _attachments: { 'a.tgz': { data: '?' } } }],
  { _attachments: { 'a.tgz': { data: '?' } } },
);
const document = fc.record(
  {
    name: fc.string(),
    versions: fc.oneof(decoy, fc.jsonValue()),
    _attachments: files,
    data: decoy,
    readme: fc.string({ unit: 'binary' }),
  },
  { requiredKeys: [] },
);
const size = fc.integer({ min: 1, max: 40 });

describe('a document in pieces', () => {
  it('is what it is as a whole', async () => {
    const opened = openedBlobs();
    await fc.assert(
      fc.asyncProperty(document, size, (value, piece) => agrees(opened, JSON.stringify(value, null, piece % 3), piece)),
      { seed: SEED, numRuns: 400 },
    );
  });

  it('is what it is as a whole when keys and data are escaped', async () => {
    const opened = openedBlobs();
    const escaped = fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.infiniteStream(fc.boolean()), size);
    await fc.assert(
      fc.asyncProperty(escaped, async ([bytes, choices, piece]) => {
        const is = (): boolean => choices.next().value === true;
        const base64 = escapedText(Buffer.from(bytes).toString('base64'), is).replaceAll('/', '\\/');
        const [files, file, data] = ['_attachments', 'a.tgz', 'data'].map((key) => `"${escapedText(key, is)}"`);
        const text = `{${files}:{${file}:{${data}:"${base64}"}}}`;
        await agrees(opened, text, piece);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('is refused or the same when a byte of it is changed, left out or put in', async () => {
    const text = JSON.stringify(documentOf(tarball()));
    const opened = openedBlobs();
    const change = fc.tuple(
      fc.nat(text.length - 1),
      fc.constantFrom(0, 1),
      fc.constantFrom('', '"', '\\', '{', '}', ',', 'A', '=', ' ', '\n'),
    );
    await fc.assert(
      fc.asyncProperty(change, size, async ([at, removed, put], piece) => {
        await agrees(opened, text.slice(0, at) + put + text.slice(at + removed), piece * 20);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('is refused when it ends too early, wherever', async () => {
    const { blobs, path } = openedBlobs();
    const bytes = Buffer.from(JSON.stringify(documentOf(tarball())));
    for (let end = 0; end < bytes.length; end += 7) {
      expect(await codeOf(read(blobs, bytes.subarray(0, end), 100)), `${end} bytes`).toMatch(
        /^ERR_(BODY_JSON|PACKAGE_INVALID)$/,
      );
    }
    expect(filesIn(path)).toEqual([]);
  });
});

describe('what is refused', () => {
  const withData = (text: string): string => `{"_attachments":{"a.tgz":{"data":"${text}"}}}`;
  it.each([
    ['a key twice', '{"name":"a","name":"b"}', 'ERR_DUPLICATE_KEY'],
    ['data twice', '{"_attachments":{"a.tgz":{"data":"AAAA","data":"BBBB"}}}', 'ERR_DUPLICATE_KEY'],
    ['attachments twice', '{"_attachments":{"a.tgz":{"data":"AAAA"}},"_attachments":{}}', 'ERR_DUPLICATE_KEY'],
    ['no object', '[]', 'ERR_WRONG_TYPE'],
    ['attachments that are none', '{"_attachments":[]}', 'ERR_WRONG_TYPE'],
    ['__proto__', '{"versions":{"1.0.0":{"__proto__":{"a":1}}}}', 'ERR_PACKAGE_INVALID'],
    ['__proto__ in disguise', '{"\\u005f_proto__":1}', 'ERR_PACKAGE_INVALID'],
    [
      'too many files',
      `{"_attachments":{${[1, 2, 3, 4, 5].map((i) => `"${i}":{}`).join(',')}}}`,
      'ERR_PACKAGE_INVALID',
    ],
    ['too deep', '['.repeat(101), 'ERR_BODY_JSON'],
    ['something behind its end', '{} {}', 'ERR_BODY_JSON'],
    ['base64 that is cut short', withData('QUJ'), 'ERR_PACKAGE_INVALID'],
    ['base64 without its end', withData('QQ'), 'ERR_PACKAGE_INVALID'],
    ['base64 with bits that belong to nothing', withData('QR=='), 'ERR_PACKAGE_INVALID'],
    ['base64 with blanks', withData('QU JD'), 'ERR_PACKAGE_INVALID'],
    ['base64 that goes on behind its end', withData('QQ==QUJD'), 'ERR_PACKAGE_INVALID'],
    ['base64 for addresses', withData('-_-_'), 'ERR_PACKAGE_INVALID'],
    ['an escape that ends the data', withData('QUJD\\u00'), 'ERR_PACKAGE_INVALID'],
    ['another escape in data', withData('QUJ\\n'), 'ERR_PACKAGE_INVALID'],
  ])('%s', async (_, text, code) => {
    const { blobs, path } = openedBlobs();
    for (const piece of [1, 3, 1000]) expect(await codeOf(read(blobs, Buffer.from(text), piece))).toBe(code);
    expect(filesIn(path)).toEqual([]);
  });

  it('bytes that are no UTF-8', async () => {
    const { blobs } = openedBlobs();
    expect(await codeOf(read(blobs, Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)))).toBe('ERR_BODY_JSON');
  });

  it('says where the fault is in the whole body', async () => {
    const { blobs } = openedBlobs();
    const text = `${withData('QUJD'.repeat(50)).slice(0, -1)},"b":nothing}`;
    await expect(read(blobs, Buffer.from(text))).rejects.toMatchObject({
      code: 'ERR_BODY_JSON',
      details: { position: text.indexOf('nothing') },
    });
  });
});

describe('limits', () => {
  it('hold for the tarball and for what is beside it, each by itself', async () => {
    const { blobs, path } = openedBlobs();
    const bytes = Buffer.from(JSON.stringify(documentOf(someBytes(600_000))));
    const reading = (limit_bytes: number, documentLimit_bytes: number): Promise<string> =>
      codeOf(
        readDocument(pieces(bytes), { blobs, limit_bytes, documentLimit_bytes }).then((incoming) => incoming.drop()),
      );
    expect(await reading(600_000, 1000)).toBe('none');
    expect(await reading(599_999, 1000)).toBe('ERR_BODY_TOO_LARGE');
    expect(await reading(600_000, 300)).toBe('ERR_BODY_TOO_LARGE');
    expect(filesIn(path)).toEqual([]);
  });

  it('read no further than they say', async () => {
    const { blobs } = openedBlobs();
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (yield Buffer.from('{"readme":"'); ; given += 1) yield Buffer.alloc(10_000, 'a');
    }
    await expect(
      readDocument(endless(), { blobs, limit_bytes: LIMIT, documentLimit_bytes: 100_000 }),
    ).rejects.toMatchObject({
      code: 'ERR_BODY_TOO_LARGE',
    });
    expect(given).toBeLessThan(12);
  });

  it('a body that breaks off says so itself, and leaves nothing', async () => {
    const { blobs, path } = openedBlobs();
    const fault = new DOMException('The connection was closed.', 'AbortError');
    const bytes = Buffer.from(JSON.stringify(documentOf(someBytes(900_000))));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* pieces(bytes.subarray(0, 800_000));
      throw fault;
    }
    await expect(readDocument(broken(), { blobs, limit_bytes: LIMIT })).rejects.toBe(fault);
    expect(filesIn(path)).toEqual([]);
    expect(await all(blobs.list())).toEqual([]);
  });
});
