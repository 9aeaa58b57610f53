/** Tarballs of clients and of attackers: what is found in the first, and why each of the second is refused. @module */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareTarball } from '../../../src/packages/intake/bare-tarball.ts';
import { inspectTarball, TARBALL_LIMITS, type TarballContents } from '../../../src/packages/intake/tarball.ts';
import { LIMIT, pieces, someBytes, tempDirectory } from '../blobs/fixtures.ts';
import { type Entry, NAME, openedBlobs, packageJson, pax, tar, tarball } from './fixtures.ts';

async function inspected(bytes: Uint8Array, limits = TARBALL_LIMITS): Promise<TarballContents> {
  const { blobs } = openedBlobs();
  return await inspectTarball(await blobs.draft(pieces(bytes), 20 * LIMIT), NAME, limits);
}

async function faultOf(bytes: Uint8Array, limits = TARBALL_LIMITS): Promise<string> {
  try {
    await inspected(bytes, limits);
    return 'none';
  } catch (error) {
    const { code, details } = error as { code: string; details: { fault: string } };
    return `${code}: ${details.fault}`;
  }
}

const packed = (entries: readonly Entry[]): Uint8Array => gzipSync(tar(entries));

async function run(command: string[], cwd: string): Promise<void> {
  const child = Bun.spawn(command, { cwd, stdout: 'ignore', stderr: 'pipe' });
  const told = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(told);
}

describe('a tarball', () => {
  it.each([
    ['npm', ['npm', 'pack', '--silent', '--offline', '--no-update-notifier'], 'acme-ui-1.0.0.tgz'],
    ['bun', ['bun', 'pm', 'pack'], 'acme-ui-1.0.0.tgz'],
    [
      'GNU tar',
      [
        'tar',
        'czf',
        'a.tgz',
        '--transform=s,^,anything/,',
        'package.json',
        'lib',
        'binding.gyp',
        'npm-shrinkwrap.json',
      ],
      'a.tgz',
    ],
    [
      'GNU tar in POSIX form',
      [
        'tar',
        'czf',
        'a.tgz',
        '-H',
        'pax',
        '--transform=s,^,x/,',
        'package.json',
        'lib',
        'binding.gyp',
        'npm-shrinkwrap.json',
      ],
      'a.tgz',
    ],
  ])('of %s is understood', async (_, command, file) => {
    const directory = tempDirectory();
    const fields = {
      name: NAME,
      version: '1.0.0',
      files: ['lib', 'binding.gyp', 'npm-shrinkwrap.json'],
      gypfile: false,
    };
    const files = {
      'package.json': JSON.stringify(fields),
      'binding.gyp': '{}',
      'npm-shrinkwrap.json': '{}',
      [`lib/${'long'.repeat(40)}.js`]: 'a',
      'lib/é.js': 'bc',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    await run(command, directory);
    const contents = await inspected(await Bun.file(join(directory, file)).bytes());
    expect(contents).toMatchObject({ fileCount: 5, hasShrinkwrap: true, hasGypFile: true, hasServerScript: false });
    expect(contents.packageJson).toMatchObject({ name: NAME, version: '1.0.0' });
  });

  it('is the same in one step and in a stream, in pieces of any size', async () => {
    const small = await inspected(tarball({ a: 1 }, [{ path: 'package/server.js', body: 'x'.repeat(600) }]));
    expect(small).toEqual({
      packageJson: { name: NAME, version: '1.0.0', a: 1 },
      fileCount: 2,
      unpackedSize_bytes: 600 + JSON.stringify({ name: NAME, version: '1.0.0', a: 1 }).length,
      hasShrinkwrap: false,
      hasGypFile: false,
      hasServerScript: true,
    });
    const noise = { path: 'package/noise', body: someBytes(300_000) };
    const large = await inspected(tarball({ a: 1 }, [{ path: 'package/server.js', body: 'x'.repeat(600) }, noise]));
    expect(large).toEqual({ ...small, fileCount: 3, unpackedSize_bytes: small.unpackedSize_bytes + 300_000 });
    const wide = { path: 'package/zeros', body: new Uint8Array(9_000_000) };
    const grown = await inspected(tarball({ a: 1 }, [{ path: 'package/server.js', body: 'x'.repeat(600) }, wide]));
    expect(grown).toEqual({ ...small, fileCount: 3, unpackedSize_bytes: small.unpackedSize_bytes + 9_000_000 });
  });

  it('takes names from what describes an entry', async () => {
    const path = `package/${'d/'.repeat(100)}npm-shrinkwrap.json`;
    const entries = [
      pax({ comment: 'a commit' }, 'g'),
      packageJson(),
      pax({ path, size: '2', mtime: '1' }),
      { path: 'package/wrong', body: 'ab' },
      { path: '././@LongLink', type: 'L', body: 'package/npm-shrinkwrap.json\0' },
      { path: 'package/npm-shrink', body: '{}' },
    ];
    expect(await inspected(packed(entries))).toMatchObject({ fileCount: 3, hasShrinkwrap: true });
  });

  it('of a bare package.json is always the same', async () => {
    const text = new TextEncoder().encode('{"name":"@acme/ui","version":"1.0.0"}');
    expect(bareTarball(text)).toEqual(bareTarball(text));
    expect(await inspected(bareTarball(text))).toMatchObject({ fileCount: 1, unpackedSize_bytes: text.length });
    const directory = tempDirectory();
    writeFileSync(join(directory, 'bare.tgz'), bareTarball(text));
    await run(['tar', 'xzf', 'bare.tgz'], directory);
    expect(await Bun.file(join(directory, 'package/package.json')).text()).toBe(
      '{"name":"@acme/ui","version":"1.0.0"}',
    );
  });
});

const file = (path: string): Entry => ({ path, body: 'x' });

describe('is refused', () => {
  it.each<[string, readonly Entry[], RegExp]>([
    ['nothing', [], /no package\.json/],
    ['no package.json', [file('package/a')], /no package\.json/],
    ['one that lies deeper', [file('package/lib/package.json')], /no package\.json/],
    ['one in no folder', [file('package.json')], /in no folder/],
    ['a way out', [packageJson(), file('package/../../evil')], /leads out/],
    ['a way out by backslashes', [packageJson(), file('package/a\\..\\..\\evil')], /leads out/],
    ['a way out in a long name', [packageJson(), pax({ path: 'package/../evil' }), file('package/a')], /leads out/],
    ['a way out as a directory', [packageJson(), { path: '../', type: '5' }], /leads out/],
    ['an absolute path', [packageJson(), file('/etc/passwd')], /absolute/],
    ['an absolute path of Windows', [packageJson(), file('C:/a')], /absolute/],
    ['two names of one file', [packageJson(), file('package//package.json')], /not how a path is written/],
    ['two names with a dot', [packageJson(), file('package/./package.json')], /not how a path is written/],
    ['a line break in a path', [packageJson(), file('package/a\nb')], /not how a path is written/],
    [
      'a zero in a path',
      [packageJson(), pax({ path: 'package/a\0b' }), file('package/a')],
      /not how a path is written/,
    ],
    ['two folders', [packageJson(), file('other/a')], /two folders/],
    ['package.json twice', [packageJson(), packageJson({ version: '2.0.0' })], /twice/],
    ['a file twice', [packageJson(), file('package/a'), file('package/a')], /twice/],
    ['PACKAGE.JSON', [packageJson(), file('package/PACKAGE.JSON')], /is package\.json to some/],
    ...['package.j\u017fon', 'package.json.', 'package.json. .', 'Package.\uff4ason'].map(
      (path): [string, Entry[], RegExp] => {
        return [`${path}, as some disks read it`, [packageJson(), file(`package/${path}`)], /is package\.json to some/];
      },
    ),
    ['a stream of a file', [packageJson(), file('package/package.json::$DATA')], /colon or a backslash/],
    ['a folder by a backslash', [packageJson(), file('package/lib\\a.js')], /colon or a backslash/],
    ['a symbolic link', [packageJson(), { path: 'package/a', type: '2' }], /link/],
    ['a hard link', [packageJson(), { path: 'package/a', type: '1' }], /link/],
    ['a long link', [packageJson(), { path: 'a', type: 'K', body: '/etc\0' }], /link/],
    ['a described link', [packageJson(), pax({ linkpath: '/etc' }), file('package/a')], /link/],
    ['a device', [packageJson(), { path: 'package/a', type: '3' }], /neither file nor directory/],
    ['a pipe', [packageJson(), { path: 'package/a', type: '6' }], /neither file nor directory/],
    ['an unknown type', [{ ...packageJson(), type: 'Z' }], /unknown type/],
    ['a file with holes', [packageJson(), { path: 'package/a', type: 'S' }], /unknown type/],
    [
      'a directory with bytes',
      [packageJson(), { path: 'package/a', type: '5', body: 'x'.repeat(512) }],
      /that has bytes/,
    ],
    ['a directory by its slash, with bytes', [packageJson(), file('package/a/')], /that has bytes/],
    ['two sizes', [packageJson(), pax({ size: '512' }), file('package/a')], /two sizes/],
    [
      'two names',
      [packageJson(), pax({ path: 'package/a' }), pax({ path: 'package/b' }), file('package/c')],
      /two names/,
    ],
    ['a name for all', [pax({ path: 'package/package.json' }, 'g'), packageJson()], /of all its entries/],
    ['a size for all', [pax({ size: '1' }, 'g'), packageJson()], /of all its entries/],
    [
      'a damaged description',
      [packageJson(), { path: 'p', type: 'x', body: '99 path=a\n' }, file('package/a')],
      /damaged/,
    ],
    [
      'a description without end',
      [packageJson(), { path: 'p', type: 'x', body: '9 path=a' }, file('package/a')],
      /damaged/,
    ],
    ['a large description', [packageJson(), { path: 'p', type: 'x', body: 'x'.repeat(65_537) }], /describes an entry/],
    ['an empty description', [packageJson(), { path: 'p', type: 'L' }, file('package/a')], /describes an entry/],
    [
      'a name that is not UTF-8',
      [packageJson(), { ...file(''), change: (block) => block.set([0x70, 0xff], 0) }],
      /UTF-8/,
    ],
    ['a number that is not octal', [{ ...packageJson(), change: (block) => block.set([0x39], 130) }], /octal/],
    ['a size in base 256', [{ ...packageJson(), change: (block) => block.set([0x80], 124) }], /octal/],
    ['an unknown format', [{ ...packageJson(), change: (block) => block.fill(0, 257, 265) }], /format/],
    [
      'package.json that is not JSON',
      [{ path: 'package/package.json', body: '{"name": }' }],
      /not JSON, from character 9/,
    ],
    ['package.json with a key twice', [{ path: 'package/package.json', body: '{"a":1,"a":2}' }], /twice/],
    ['package.json that is no object', [{ path: 'package/package.json', body: '[]' }], /no object/],
    [
      'package.json that is not UTF-8',
      [{ path: 'package/package.json', body: Uint8Array.of(0x22, 0xff, 0x22) }],
      /UTF-8/,
    ],
    ['an empty package.json', [{ path: 'package/package.json' }], /not JSON/],
  ])('%s', async (_, entries, fault) => {
    const told = await faultOf(packed(entries));
    expect(told).toMatch(/^ERR_TARBALL: /);
    expect(told).toMatch(fault);
  });

  it.each([
    ['__proto__ in package.json', 'ERR_PACKAGE_INVALID', '{"__proto__":{"a":1}}'],
    // Found while it is read as JSON, as everything else that is wrong with the text of it.
    ['package.json that is too deep', 'ERR_TARBALL', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`],
  ])('%s', async (_, code, body) => {
    const limits = { ...TARBALL_LIMITS, packageJson_bytes: 2_000_000 };
    expect(await faultOf(packed([{ path: 'package/package.json', body }]), limits)).toMatch(new RegExp(`^${code}: `));
  });

  it('what is not gzip, or more than one', async () => {
    const good = Buffer.from(tarball());
    const cases: [string, Uint8Array, RegExp][] = [
      ['empty', new Uint8Array(0), /not gzip/],
      ['text', Buffer.from('<html>'), /not gzip/],
      ['a bare tar', tar([packageJson()]), /not gzip/],
      ['two members', Buffer.concat([good, good]), /behind its end/],
      ['an empty member first', Buffer.concat([gzipSync(''), good]), /behind its end|cut short/],
      ['garbage', Buffer.concat([good, Buffer.from('garbage')]), /behind its end/],
      ['zeros', Buffer.concat([good, Buffer.alloc(512)]), /behind its end/],
      ['a zero', Buffer.concat([good, Buffer.alloc(1)]), /behind its end/],
      ['another checksum', flipped(good, good.length - 8), /checksum/],
      ['another size', flipped(good, good.length - 1), /checksum/],
      ['reserved flags', flipped(good, 3, 0x80), /not gzip/],
      ['another method', flipped(good, 2), /not gzip/],
      ['a name without end', flipped(good, 3, 8), /header does not end|cannot be decompressed|cut short/],
      ['something behind the archive', gzipSync(tar([packageJson()], Buffer.alloc(512, 1))), /behind its end/],
      ['an archive behind the archive', gzipSync(tar([packageJson()], tar([packageJson()]))), /behind its end/],
      ['an archive without end', gzipSync(tar([packageJson()]).subarray(0, -1024)), /cut short/],
      ['half an end', gzipSync(tar([packageJson()]).subarray(0, -512)), /cut short/],
      ['a half block', gzipSync(tar([packageJson()], Buffer.alloc(100))), /cut short/],
    ];
    for (const [what, bytes, fault] of cases) expect(await faultOf(bytes), what).toMatch(fault);
    expect(await faultOf(gzipSync(tar([packageJson()], Buffer.alloc(10_240))))).toBe('none');
  });

  it('what is cut short anywhere, or changed', async () => {
    const { blobs } = openedBlobs();
    const good = Buffer.from(tarball({ a: 'b'.repeat(100) }, [{ path: 'package/x', body: someBytes(2000) }]));
    const told = async (bytes: Uint8Array): Promise<unknown> =>
      await inspectTarball(await blobs.draft(pieces(bytes), LIMIT), NAME).catch((error: unknown) => error);
    for (let end = 0; end < good.length; end += 13) {
      expect(await told(good.subarray(0, end)), `${end} bytes`).toMatchObject({ code: 'ERR_TARBALL' });
    }
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: good.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          expect(await told(flipped(good, at, mask))).toMatchObject({ code: 'ERR_TARBALL' });
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });

  it('what was changed within a header', async () => {
    const archive = tar([packageJson()]);
    const fields = fc.integer({ min: 0, max: 511 });
    const { blobs } = openedBlobs();
    await fc.assert(
      fc.asyncProperty(fields, fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const draft = await blobs.draft(pieces(gzipSync(flipped(archive, at, mask))), LIMIT);
        await expect(inspectTarball(draft, NAME)).rejects.toMatchObject({ code: 'ERR_TARBALL' });
      }),
      { seed: 42, numRuns: 200 },
    );
  });
});

function flipped(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ mask : byte));
}

describe('limits', () => {
  it('end a bomb early, in one step and in a stream', async () => {
    const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: constants.Z_BEST_COMPRESSION });
    expect(zeros.length).toBeLessThan(100_000);
    const bomb = packed([packageJson(), { path: 'package/zeros', body: new Uint8Array(40 * 1024 * 1024) }]);
    expect(await faultOf(bomb)).toMatch(/becomes larger than 16777216 bytes/);
    const noisy = packed([
      packageJson(),
      { path: 'package/a', body: someBytes(300_000) },
      { path: 'package/z', body: new Uint8Array(80_000_000) },
    ]);
    expect(await faultOf(noisy)).toMatch(/becomes larger than \d{8} bytes/);
    expect(await faultOf(noisy, { ...TARBALL_LIMITS, ratio: 1000 })).toBe('none');
    expect(await faultOf(noisy, { ...TARBALL_LIMITS, ratio: 1000, unpacked_bytes: 80_000_000 })).toMatch(
      /larger than 80000000/,
    );
  });

  it('hold for entries, paths and package.json', async () => {
    const many = packed([packageJson(), ...Array.from({ length: 10 }, (_, i) => file(`package/${i}`))]);
    expect(await faultOf(many, { ...TARBALL_LIMITS, entryCount: 11 })).toBe('none');
    expect(await faultOf(many, { ...TARBALL_LIMITS, entryCount: 10 })).toMatch(/more than 10 entries/);
    expect(await faultOf(many, { ...TARBALL_LIMITS, paths_bytes: 100 })).toMatch(/paths have more than 100 bytes/);
    const padded = gzipSync(tar([packageJson()], new Uint8Array(3 * 1024 * 1024)));
    expect(await faultOf(padded)).toMatch(/too much behind its end/);
    const long = packed([packageJson(), pax({ path: `package/${'é'.repeat(508)}` }), file('package/a')]);
    expect(await faultOf(long)).toBe('none');
    const longer = packed([packageJson(), pax({ path: `package/${'é'.repeat(509)}` }), file('package/a')]);
    expect(await faultOf(longer)).toMatch(/path of more than 1024 bytes/);
    const wordy = tarball({ a: 'x'.repeat(1_048_576) });
    expect(await faultOf(wordy)).toMatch(/package.json is larger than/);
  });
});
