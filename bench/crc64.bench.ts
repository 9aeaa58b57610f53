/** The checksum of records and slots, beside the textbook version that takes a byte a step. @module */
import type { Backend } from '../bindings/backend.ts';
import { atLeast, onEachCore, type Loop, type Opened, type Setting, type Side, type Suite } from './suite.ts';

const MEBIBYTE = 1 << 20;

export const crc64: Suite = { name: 'crc64', open };

function open(setting: Setting): Opened {
  const large = filled(setting.tiny ? 4096 : MEBIBYTE, setting.random());
  const small = filled(13, setting.random());
  const title = setting.tiny ? '4 KiB' : '1 MiB';
  const { native, wasm } = setting.cores;
  return {
    cases: [
      ...onEachCore(setting, 'crc64 13 B', (core) => hashing((bytes) => core.crc64(bytes), small)),
      ...onEachCore(setting, `crc64 ${title}`, (core) => hashing((bytes) => core.crc64(bytes), large)),
      ...onEachCore(setting, `byte table ${title}`, (core) => hashing((bytes) => core.crc64ByteTable(bytes), large)),
    ],
    claims: [
      { name: `CRC-64 of ${title}, native`, ...bothKernels(native, large), bound: atLeast(25) },
      { name: `CRC-64 of ${title}, wasm`, ...bothKernels(wasm, large), bound: atLeast(4) },
    ],
  };
}

function bothKernels(core: Backend, bytes: Uint8Array): { subject: Side; floor: Side } {
  return {
    subject: { name: `crc64 (${core.crc64Kernel})`, loop: hashing((of) => core.crc64(of), bytes) },
    floor: { name: 'byte table', loop: hashing((of) => core.crc64ByteTable(of), bytes) },
  };
}

function hashing(checksum: (bytes: Uint8Array) => bigint, bytes: Uint8Array): Loop {
  return (times) => {
    let hash = 0n;
    for (let pass = 0; pass < times; pass++) hash ^= checksum(bytes);
    return Number(hash & 0xffff_ffffn);
  };
}

function filled(length: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}
