/** Erased bytes are gone from every file, and the record of it reads back. @module */
import { join } from 'node:path';
import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { openEngine } from '../../src/journal/engine.ts';
import { decodeRedaction, encodeRedaction } from '../../src/journal/redaction.ts';
import { bytes, claimed, tempDirectory } from './fixtures.ts';
import { latestBodies } from './fixtures-projection.ts';

function filesThatHold(directory: string, needle: string): string[] {
  return readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes(needle));
}

describe('a redaction', () => {
  it('leaves the erased bytes in no file, whatever sizes stood around them', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (lengths, picks) => {
        const directory = tempDirectory();
        const path = join(directory, 'journal.db');
        const engine = openEngine({ path, projections: [latestBodies] });
        const secret = (seq: number): string => `<secret-${String(seq).padStart(4, '0')}>`;
        lengths.forEach((length, i) =>
          engine.append([
            claimed('s' + (i % 5), lengths.length - i, secret(i + 1) + 'x'.repeat(length) + secret(i + 1)),
          ]),
        );
        const erased = new Set([...picks.take(4)].map((pick) => 1 + (pick % lengths.length)));
        for (const seq of erased) {
          engine.redact(seq, { actor: 'dpo', reason: 'asked for' });
          expect(filesThatHold(directory, secret(seq))).toEqual([]);
        }
        engine.append([claimed('after', 1)]);
        engine.close();
        for (const seq of erased) expect(filesThatHold(directory, secret(seq))).toEqual([]);
        for (let seq = 1; seq <= lengths.length; seq++)
          if (!erased.has(seq)) expect(filesThatHold(directory, secret(seq))).toEqual(['journal.db']);
        expect(verifyFile(path)).toMatchObject({ ok: true });
      }),
      { seed: 42, numRuns: 40 },
    );
  });

  it('empties the log as soon as nobody reads it any more', () => {
    const directory = tempDirectory();
    const path = join(directory, 'journal.db');
    using engine = openEngine({ path });
    engine.append([claimed('a', 1, 'the-secret')]);
    const other = openEngine({ path, readonly: true });
    const steps = other.verify();
    steps.next();
    engine.redact(1, { actor: 'dpo', reason: '' });
    other.close();
    engine.append([claimed('a', 2)]);
    expect(filesThatHold(directory, 'the-secret')).toEqual([]);
  });

  it('keeps the newest entry checkable when it is the erasing one', () => {
    const path = join(tempDirectory(), 'journal.db');
    const engine = openEngine({ path });
    engine.append([claimed('a', 1)]);
    engine.redact(1, { actor: 'dpo', reason: '' });
    engine.close();
    openEngine({ path }).close();
  });

  it('is recorded in bytes that read back, and nothing else does', () => {
    const content = new Uint8Array(32).fill(0xab);
    expect(decodeRedaction(encodeRedaction({ seq: 41, content }))).toEqual({ seq: 41, content });
    for (const bad of [
      '',
      '{}',
      '{"seq":0,"content":"' + 'ab'.repeat(32) + '"}',
      '{"seq":41,"content":"ab"}',
      ' {"seq":41,"content":"' + 'ab'.repeat(32) + '"}',
    ]) {
      expect(decodeRedaction(bytes(bad))).toBeNull();
    }
  });
});
