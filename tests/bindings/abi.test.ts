/** The artifacts are what the bindings describe: their sizes, their symbols, and a refusal of any other. @module */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as abi from '../../bindings/abi.gen.ts';
import { openBackend } from '../../bindings/open.ts';
import { defaultLibraryFile, openNative } from '../../bindings/native.ts';
import { defaultWasmFile, openWasmFile } from '../../bindings/wasm-file.ts';
import { outcomeOf, utf8 } from './outcomes.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'c13-abi-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The hash as it stands in machine code, and as WebAssembly writes a 64-bit constant (LEB128, signed). */
function immediate(hash: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(hash);
  return bytes;
}

function leb128(hash: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asIntN(64, hash); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    const last = (rest >> 7n === 0n && low < 64) || (rest >> 7n === -1n && low >= 64);
    bytes.push(last ? low : low | 0x80);
    if (last) return Buffer.from(bytes);
  }
}

/** A copy of the artifact that was built from other sources, as far as its hash says. */
function patched(file: string, name: string, constant: Buffer): string {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(constant);
  expect(at, 'the hash stands in the artifact').toBeGreaterThan(0);
  for (let found = at; found >= 0; found = bytes.indexOf(constant)) bytes[found]! ^= 1;
  const copy = join(directory, name);
  writeFileSync(copy, bytes);
  return copy;
}

const hashText = (hash: bigint): string => `0x${hash.toString(16).padStart(16, '0')}`;

describe('a core of another description is refused', () => {
  test('the library, by its core hash', () => {
    const file = patched(defaultLibraryFile(), 'other-core.so', immediate(abi.ABI_CORE_HASH));
    const details = { file, found: hashText(abi.ABI_CORE_HASH ^ 1n), expected: hashText(abi.ABI_CORE_HASH) };
    expect(outcomeOf(() => openNative(file))).toEqual({ code: 'ERR_ABI_MISMATCH', details });
  });

  test('the library, by its native hash', () => {
    const file = patched(defaultLibraryFile(), 'other-native.so', immediate(abi.ABI_NATIVE_HASH));
    const details = { file, found: hashText(abi.ABI_NATIVE_HASH ^ 1n), expected: hashText(abi.ABI_NATIVE_HASH) };
    expect(outcomeOf(() => openNative(file))).toEqual({ code: 'ERR_ABI_MISMATCH', details });
  });

  test('the module', () => {
    const file = patched(defaultWasmFile(), 'other.wasm', leb128(abi.ABI_CORE_HASH));
    const details = { file, found: hashText(abi.ABI_CORE_HASH ^ 1n), expected: hashText(abi.ABI_CORE_HASH) };
    expect(outcomeOf(() => openWasmFile(file))).toEqual({ code: 'ERR_ABI_MISMATCH', details });
  });

  test('and nothing is taken in its place', () => {
    const file = patched(defaultLibraryFile(), 'other-core-2.so', immediate(abi.ABI_CORE_HASH));
    expect(outcomeOf(() => openBackend(file))).toMatchObject({ code: 'ERR_ABI_MISMATCH' });
  });
});

describe('a core that is not there, or not one', () => {
  test.each([
    ['nothing', null],
    ['nothing in it', new Uint8Array(0)],
    ['text', utf8('this is no library')],
    ['a library of the wrong kind', readFileSync(defaultWasmFile())],
  ])('the library: %s', (name, bytes) => {
    const file = join(directory, `${name.replaceAll(' ', '-')}.so`);
    if (bytes !== null) writeFileSync(file, bytes);
    expect(outcomeOf(() => openNative(file))).toEqual({ code: 'ERR_CORE_MISSING', details: { tried: [file] } });
    const { backend, native, reason } = openBackend(file);
    expect([backend.kind, native]).toEqual(['wasm', null]);
    expect(reason).toContain('WebAssembly, because');
    expect(reason).toContain(file);
  });

  test('a library without our symbols', () => {
    const file = join(directory, 'foreign.so');
    const bytes = readFileSync(defaultLibraryFile());
    // The same library under other names, of the same length.
    writeFileSync(file, Buffer.from(bytes.toString('latin1').replaceAll('c13_', 'x13_'), 'latin1'));
    expect(outcomeOf(() => openNative(file))).toMatchObject({ code: 'ERR_CORE_MISSING' });
  });

  test.each([
    ['nothing', null],
    ['nothing in it', new Uint8Array(0)],
    ['half of it', readFileSync(defaultWasmFile()).subarray(0, 5000)],
    ['a library of the wrong kind', readFileSync(defaultLibraryFile())],
  ])('the module: %s', (name, bytes) => {
    const file = join(directory, `${name.replaceAll(' ', '-')}.wasm`);
    if (bytes !== null) writeFileSync(file, bytes);
    expect(outcomeOf(() => openWasmFile(file))).toEqual({ code: 'ERR_CORE_MISSING', details: { tried: [file] } });
  });
});

test('where neither core is there, the error names both', () => {
  const tried = [join(directory, 'no.so'), join(directory, 'no.wasm')];
  expect(outcomeOf(() => openBackend(tried[0], tried[1]))).toEqual({ code: 'ERR_CORE_MISSING', details: { tried } });
});

test('openBackend takes the native core where it is there, and says so', () => {
  const { backend, native, reason } = openBackend();
  expect(backend.kind).toBe('native');
  expect(native).toBe(backend);
  expect(reason).toBe(`native, from ${defaultLibraryFile()}`);
});

test('a copy in another place loads beside the first', () => {
  const file = join(directory, 'copy.so');
  copyFileSync(defaultLibraryFile(), file);
  expect(openNative(file).crc64(utf8('123456789'))).toBe(0xae8b14860a799888n);
});

describe('the module', () => {
  const module = new WebAssembly.Module(readFileSync(defaultWasmFile()));
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);

  test('imports nothing', () => {
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });

  test('exports every function of the core, its memory, and nothing that needs an operating system', () => {
    const own = ['memory', 'c13_abi_core_hash', 'c13_scratch'];
    expect(exported.toSorted()).toEqual([...Object.keys(abi.CORE_SYMBOLS), ...own].toSorted());
  });

  test('is under 64 KB', () => {
    expect(statSync(defaultWasmFile()).size).toBeLessThan(64 * 1024);
  });
});

describe('the library', () => {
  const bytes = readFileSync(defaultLibraryFile());

  test('is under 200 KB', () => {
    expect(bytes.length).toBeLessThan(200 * 1024);
  });

  test.runIf(process.platform === 'linux')('is stripped: an ELF file without symbol table and debug sections', () => {
    const names = sectionNames(bytes);
    expect(names).toContain('.dynsym');
    expect(names.filter((name) => name === '.symtab' || name.startsWith('.debug'))).toEqual([]);
  });
});

function sectionNames(elf: Buffer): string[] {
  expect(elf.subarray(0, 4)).toEqual(Buffer.from('\x7fELF'));
  const table = Number(elf.readBigUInt64LE(0x28));
  const [size, count, names] = [elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c), elf.readUInt16LE(0x3e)];
  const text = Number(elf.readBigUInt64LE(table + names * size + 0x18));
  return Array.from({ length: count }, (_, i) => {
    const at = text + elf.readUInt32LE(table + i * size);
    return elf.toString('latin1', at, elf.indexOf(0, at));
  });
}

describe('the description', () => {
  test('has the documented sizes', () => {
    const sizes = [abi.CONFIG_SIZE, abi.RECORD_SIZE, abi.SLOT_SIZE, abi.HISTORY_SIZE, abi.HISTORY_LENGTH];
    expect(sizes).toEqual([13, 32, 128, 8192, 100]);
    expect(abi.DEFAULT_REGISTRY_HASH).toBe(0x930ed19a);
  });

  test('has the documented offsets', () => {
    const { registry_hash, feature_flags, terminal_mode, rows, cols, reserved } = abi.CONFIG_OFFSET;
    expect([registry_hash, feature_flags, terminal_mode, rows, cols, reserved]).toEqual([1, 5, 9, 10, 11, 12]);
    expect(abi.RECORD_OFFSET).toEqual({ magic: 0, config: 4, zeros: 17, checksum: 24 });
    const { cell, notify, waiters, modified_at_ms, seal, environment_id, rollouts } = abi.SLOT_OFFSET;
    expect([cell, notify, waiters, modified_at_ms, seal, environment_id, rollouts]).toEqual([
      0, 16, 20, 24, 32, 48, 64,
    ]);
  });

  test('has the documented features, in their bits', () => {
    const documented =
      'premium_types private_registry debug proxy_mode binary_protocol cache_enabled metrics logging ' +
      'verbose encryption maintenance_mode beta_feature';
    expect(Object.keys(abi.FEATURE_BIT)).toEqual(documented.split(' '));
    expect(Object.values(abi.FEATURE_BIT)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});
