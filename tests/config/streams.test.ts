/** Streams say what they are about, and what is about nothing of ours says so. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configStream, featuresStream } from '../../src/config/name.ts';
import { factsStream, flagSetStream, flagStream, subjectOf } from '../../src/config/streams.ts';

const segment = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?$/).filter((text) => !text.includes('..'));
const config = fc
  .tuple(segment, fc.option(segment))
  .map(([service, of]) => (of === null ? service : `${service}/${of}`));
const key = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);

describe('a stream', () => {
  test('is about what it was made of', () => {
    fc.assert(
      fc.property(config, segment, key, (name, service, own) => {
        expect(subjectOf(configStream(name))).toEqual({ kind: 'config', config: name });
        expect(subjectOf(flagSetStream(name))).toEqual({ kind: 'flagset', config: name });
        expect(subjectOf(flagStream(name, own))).toEqual({ kind: 'flag', config: name, key: own });
        expect(subjectOf(featuresStream(service))).toEqual({ kind: 'features', service });
        expect(subjectOf(factsStream(service, own))).toEqual({ kind: 'feature', service, key: own });
      }),
      { seed: 42 },
    );
  });

  test.each(['journal', 'user:ann', 'change_request:1', 'flag:alone', 'feature:alone', 'flags:shop/x', '', ':'])(
    '%j is about no config and no service',
    (stream) => expect(subjectOf(stream)).toBeNull(),
  );
});
