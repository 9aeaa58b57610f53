/**
 * Walks the vectors with one core and collects what does not fit; knows no test runner, so that Node can run it as
 * it is.
 * @module
 */
import type { Backend, Frame } from '../../bindings/backend.ts';
import { configOfWords } from '../../bindings/cell-words.ts';
import type { RepeatedBytes, Vectors } from '../fixtures/make-vectors.ts';
import { codeOf, hex, outcomeOf, unhex } from './outcomes.ts';

export interface Checked {
  readonly checks: number;
  readonly wrong: readonly string[];
}

export function checkVectors(core: Backend, vectors: Vectors): Checked {
  let checks = 0;
  const wrong: string[] = [];
  const same = (what: string, found: unknown, expected: unknown): void => {
    checks++;
    if (!Object.is(found, expected)) wrong.push(`${what}: found ${String(found)}, expected ${String(expected)}`);
  };
  checkHashes(core, vectors, same);
  checkRecords(core, vectors, same);
  checkFrames(core, vectors, same);
  checkHeaders(core, vectors, same);
  checkCells(core, vectors, same);
  return { checks, wrong };
}

type Same = (what: string, found: unknown, expected: unknown) => void;

function repeated(bytes: RepeatedBytes): Uint8Array {
  return unhex(bytes.hex.repeat(bytes.repeat));
}

function checkHashes(core: Backend, vectors: Vectors, same: Same): void {
  for (const { bytes, crc, from } of vectors.crc64) {
    const what = `crc64 of ${bytes.hex.slice(0, 20)} x ${bytes.repeat} (${from})`;
    same(what, core.crc64(repeated(bytes)).toString(16).padStart(16, '0'), crc);
    same(`${what}, by table`, core.crc64ByteTable(repeated(bytes)).toString(16).padStart(16, '0'), crc);
  }
  for (const { hex: bytes, seed, hash } of vectors.murmur3) {
    same(`murmur3 of ${bytes}`, core.murmur3(unhex(bytes), seed), hash);
  }
  for (const { feature, key, bucket } of vectors.rollouts) {
    same(`bucket of ${feature}:${key}`, core.rolloutBucket(feature, key), bucket);
  }
}

function checkRecords(core: Backend, vectors: Vectors, same: Same): void {
  for (const { config, faults } of vectors.configs)
    same(`faults of ${config}`, core.configCheck(unhex(config)), faults);
  for (const { config, record } of vectors.records) {
    same(`record of ${config}`, hex(core.recordSeal(unhex(config))), record);
    same(`config of ${record}`, hex(core.recordOpen(unhex(record))), config);
  }
  for (const { record, code } of vectors.badRecords) {
    same(
      `record ${record}`,
      codeOf(() => core.recordOpen(unhex(record))),
      code,
    );
  }
}

function checkFrames(core: Backend, vectors: Vectors, same: Same): void {
  for (const { type, offset, value, bytes } of vectors.frames) {
    same(`frame ${bytes}`, hex(core.frameEncode({ type, offset, value: BigInt(value) })), bytes);
    for (const decoded of [core.frameDecode(unhex(bytes)), ...core.framesDecode(unhex(bytes))] as Frame[]) {
      same(`decoded ${bytes}`, `${decoded.type} ${decoded.offset} ${decoded.value}`, `${type} ${offset} ${value}`);
    }
  }
  for (const { bytes, fault } of vectors.badFrames) {
    const outcome = outcomeOf(() => core.frameDecode(unhex(bytes)));
    same(`frame ${bytes}`, JSON.stringify(outcome), JSON.stringify({ code: 'ERR_FRAME', details: { fault } }));
  }
}

function checkHeaders(core: Backend, vectors: Vectors, same: Same): void {
  for (const { name, config, value } of vectors.headers) {
    same(`${name} of ${config}`, core.headerFormat(name, unhex(config)), value);
    const parsed = core.headerParse(name, value);
    same(`${name} ${value}`, typeof parsed === 'number' ? parsed : hex(parsed), numberIn(name, value, config));
  }
  for (const { name, value } of vectors.badHeaders) {
    same(
      `${name} ${value}`,
      codeOf(() => core.headerParse(name, value)),
      'ERR_HEADER',
    );
  }
}

function numberIn(name: string, value: string, config: string): number | string {
  return name === 'x-bun-config-dump' ? config : Number(value);
}

function checkCells(core: Backend, vectors: Vectors, same: Same): void {
  const region = core.slotsCreate(vectors.cells.length);
  vectors.cells.forEach(({ config, revision, words }, slot) => {
    const what = `cell of ${config} at ${revision}`;
    const empty = { modifiedAt: 1, rolloutsRevision: revision, rollouts: new Uint16Array(32) };
    same(`${what}: seeded`, core.slotSeed(region, slot, { ...empty, revision, config: unhex(config) }), true);
    const found = region.words.subarray(slot * 32, slot * 32 + 4);
    same(what, found.join(' '), words.join(' '));
    same(`${what}: bytes`, hex(configOfWords(found)), config);
    const isEmpty = words.every((word) => word === 0);
    same(`${what}: revision`, core.slotRead(region, slot).revision, isEmpty ? 0 : revision);
  });
  region.close();
}
