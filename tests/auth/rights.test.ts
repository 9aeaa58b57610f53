/** Who may do what: the whole matrix, and what a token can never do. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import {
  ACTIONS,
  ANONYMOUS,
  forbiddenSections,
  may,
  mayPropose,
  owner,
  requireRight,
  ROLES,
  type Grant,
  type Principal,
  type Role,
} from '../../src/auth/rights.ts';

/** Written out, so that a change of the code is a change of this table: read, write, publish, unpublish, administer. */
const TABLE = `
  kind            viewer  operator  publisher  maintainer  admin
  config          r       rw        -          -           rwpua
  features        r       rw        -          -           rwpua
  template        r       rw        -          -           rwpua
  rule            r       rw        -          -           rwpua
  flag            r       rw        -          -           rwpua
  flagset         r       rw        -          -           rwpua
  document        r       rw        -          -           rwpua
  segment         r       rw        -          -           rwpua
  package         r       r         rp         rpua        rwpua
  premium         r       r         r          r           rwpua
  status          r       r         r          r           rwpua
  user            -       -         -          -           rwpua
  token           -       -         -          -           rwpua
  grant           -       -         -          -           rwpua
  identities      -       -         -          -           rwpua
  audit           -       -         -          -           rwpua
  webhook         -       -         -          -           rwpua
  backup          -       -         -          -           rwpua
  uplink          -       -         -          -           rwpua
  package_filter  -       -         -          -           rwpua
  journal         -       -         -          -           rwpua
  unheard-of      -       -         -          -           rwpua
`;
const [COLUMNS, ...ROWS] = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/)) as [string[], ...string[][]];
const KINDS = ROWS.map(([kind]) => kind!);

function somebody(grants: readonly Grant[], more: Partial<Principal> = {}): Principal {
  return { kind: 'user', actor: 'ann', user: 'ann', grants, scope: null, readOnly: false, ...more };
}

function grant(role: Role, pattern: string, sections: readonly string[] | null = null): Grant {
  return { role, pattern, sections };
}

const cells = ROWS.flatMap(([kind, ...rights]) =>
  rights.flatMap((letters, column) =>
    ACTIONS.map((action) => [COLUMNS[column + 1] as Role, action, kind!, letters.includes(action[0]!)] as const),
  ),
);

describe('the matrix', () => {
  it('has every role', () => expect(COLUMNS.slice(1)).toEqual([...ROLES]));

  it.each(cells)('%s, %s, %s: %s', (role, action, kind, isAllowed) => {
    const stream = `${kind}:a/b`;
    expect(may(somebody([grant(role, '*')]), action, stream)).toBe(isAllowed);
    expect(may(somebody([grant(role, `${kind}:a/*`)]), action, stream)).toBe(isAllowed);
    expect(may(somebody([grant(role, `${kind}:b/*`)]), action, stream), 'of another pattern').toBe(false);
    expect(may(somebody([]), action, stream), 'without a grant').toBe(false);
    expect(may(ANONYMOUS, action, stream), 'nobody').toBe(false);
    expect(may(owner('ann@loopback'), action, stream), 'the owner').toBe(true);
    const readOnly = somebody([grant(role, '*')], { readOnly: true });
    expect(may(readOnly, action, stream), 'read-only').toBe(isAllowed && action === 'read');
  });

  it('knows a kind by the whole of it', () => {
    for (const stream of ['configs', 'configx:a', 'confi', 'CONFIG:a', '', ':config', ' config:a']) {
      expect(may(somebody([grant('operator', '*')]), 'write', stream), stream).toBe(false);
    }
    expect(may(somebody([grant('operator', '*')]), 'write', 'config')).toBe(true);
  });
});

describe('a refusal', () => {
  it('says who may not do what', () => {
    const refusalOf = (principal: Principal): string => {
      try {
        requireRight(principal, 'write', 'config:a');
        return 'none';
      } catch (error) {
        return isConfigError(error) ? `${error.code} ${error.message}` : 'another';
      }
    };
    expect(refusalOf(somebody([]))).toBe('ERR_FORBIDDEN ann may not write config:a');
    expect(refusalOf(ANONYMOUS)).toBe('ERR_FORBIDDEN nobody in particular may not write config:a');
    expect(refusalOf(somebody([grant('operator', 'config:*')]))).toBe('none');
  });
});

describe('sections', () => {
  const STREAM = 'config:checkout/production';

  it('are those that some grant over the stream covers', () => {
    const ann = somebody([
      grant('operator', 'config:checkout/*', ['feature:new_*', 'terminal']),
      grant('operator', 'config:other/*'),
      grant('viewer', '*'),
    ]);
    const touched = ['feature:new_checkout', 'feature:debug', 'terminal', 'version'];
    expect(forbiddenSections(ann, STREAM, touched)).toEqual(['feature:debug', 'version']);
    expect(forbiddenSections(ann, 'config:other/a', touched)).toEqual([]);
    expect(forbiddenSections(ann, 'config:third/a', touched)).toEqual(touched);
  });

  it('are covered by the scope of a token too', () => {
    const scope = [grant('operator', 'config:*', ['feature:*'])];
    const token = somebody([grant('admin', '*')], { kind: 'token', scope });
    expect(forbiddenSections(token, STREAM, ['feature:debug', 'terminal'])).toEqual(['terminal']);
    expect(forbiddenSections(owner('o'), STREAM, ['feature:debug', 'terminal'])).toEqual([]);
  });
});

function approved(role: Role, pattern: string, sections: readonly string[] | null = null): Grant {
  return { role, pattern, sections, needsApproval: true };
}

describe('a grant that needs approval', () => {
  const ann = somebody([approved('operator', 'config:checkout/*', ['feature:new_*', 'terminal'])]);
  const STREAM = 'config:checkout/production';

  it('lets read and ask for what it covers, and do nothing', () => {
    expect(may(ann, 'read', STREAM)).toBe(true);
    expect(may(ann, 'write', STREAM)).toBe(false);
    expect(mayPropose(ann, STREAM, ['feature:new_cart', 'terminal'])).toBe(true);
    expect(mayPropose(ann, STREAM, ['feature:new_cart', 'version'])).toBe(false);
    expect(mayPropose(ann, 'config:other/production', [])).toBe(false);
  });

  it('gives way to one that needs none, also for some sections alone', () => {
    const both = somebody([approved('operator', 'config:*'), grant('operator', 'config:*', ['terminal'])]);
    expect(may(both, 'write', STREAM)).toBe(true);
    expect(forbiddenSections(both, STREAM, ['terminal', 'version'])).toEqual(['version']);
    expect(mayPropose(both, STREAM, ['terminal', 'version'])).toBe(true);
  });

  it('is what a token needs too, of its user and of its scope', () => {
    const scope = [approved('operator', 'config:*')];
    const limited = somebody([grant('admin', '*')], { kind: 'token', scope });
    expect([may(limited, 'write', STREAM), mayPropose(limited, STREAM, ['terminal'])]).toEqual([false, true]);
    const wide = somebody([approved('admin', '*')], { kind: 'token', scope: [grant('admin', '*')] });
    expect([may(wide, 'write', STREAM), mayPropose(wide, STREAM, ['terminal'])]).toEqual([false, true]);
    expect(mayPropose({ ...wide, readOnly: true }, STREAM, [])).toBe(false);
    expect(mayPropose({ ...wide, readOnly: true, isBrowser: true }, STREAM, [])).toBe(false);
  });

  it('is told of where a change can be asked for, and nowhere else', () => {
    const admin = somebody([approved('admin', '*')]);
    const codeOf = (action: (typeof ACTIONS)[number], stream: string): string => {
      try {
        requireRight(admin, action, stream);
        return 'allowed';
      } catch (error) {
        return isConfigError(error) ? error.code : 'another';
      }
    };
    for (const stream of [STREAM, `flag:checkout/production/banner`]) {
      expect(codeOf('write', stream), stream).toBe('ERR_APPROVAL_REQUIRED');
    }
    for (const stream of ['template:a', 'rule:A', 'grant:a', 'user:ann']) {
      expect(codeOf('write', stream), stream).toBe('ERR_FORBIDDEN');
    }
    for (const stream of [STREAM, 'grant:a', 'user:ann', 'token:a', 'backup:a']) {
      expect(codeOf('administer', stream), stream).toBe('ERR_FORBIDDEN');
      expect(codeOf('read', stream), stream).toBe('allowed');
    }
    expect(codeOf('publish', 'package:a')).toBe('ERR_FORBIDDEN');
    const viewer = somebody([grant('viewer', '*')]);
    expect(() => requireRight(viewer, 'write', STREAM)).toThrow(expect.objectContaining({ code: 'ERR_FORBIDDEN' }));
  });

  it('never lets do anything, and lets ask for exactly what it would let do without', () => {
    const sections = ['feature:new_x', 'feature:debug', 'terminal', 'version'];
    fc.assert(
      fc.property(
        fc.array(anyGrant, { maxLength: 4 }),
        fc.option(fc.array(anyGrant, { minLength: 1, maxLength: 3 })),
        anyStream,
        fc.subarray(sections),
        fc.boolean(),
        (held, scope, stream, touched, isScope) => {
          const needing = (grants: readonly Grant[]) => grants.map((one) => ({ ...one, needsApproval: true }));
          const direct = somebody(held, { kind: 'token', scope });
          const asking =
            isScope && scope !== null ? { ...direct, scope: needing(scope) } : { ...direct, grants: needing(held) };
          for (const action of ACTIONS) {
            expect(may(asking, action, stream)).toBe(action === 'read' && may(direct, action, stream));
          }
          expect(forbiddenSections(asking, stream, touched)).toEqual(touched);
          const mayDo = may(direct, 'write', stream) && forbiddenSections(direct, stream, touched).length === 0;
          expect(mayPropose(asking, stream, touched)).toBe(mayDo);
          expect(mayPropose(direct, stream, touched)).toBe(mayDo);
        },
      ),
      { numRuns: 2000, seed: 13 },
    );
  });
});

const anyGrant: fc.Arbitrary<Grant> = fc.record({
  role: fc.constantFrom(...ROLES),
  pattern: fc.constantFrom('*', 'config:*', 'config:a/*', '*a*', 'package:*', 'user:*', '*:b'),
  sections: fc.option(fc.subarray(['feature:*', 'feature:new_*', 'terminal', 'version'], { minLength: 1 })),
});
const anyStream = fc
  .tuple(fc.constantFrom(...KINDS), fc.constantFrom('a/b', 'a', 'b', 'c/d'))
  .map(([kind, key]) => `${kind}:${key}`);

describe('a token', () => {
  it('is never allowed what its user is not, nor what its scope does not say', () => {
    const grants = fc.array(anyGrant, { maxLength: 4 });
    const anyScope = fc.option(fc.array(anyGrant, { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(
        grants,
        anyScope,
        fc.boolean(),
        anyStream,
        fc.constantFrom(...ACTIONS),
        (held, scope, readOnly, stream, action) => {
          const user = somebody(held);
          const token = somebody(held, { kind: 'token', scope, readOnly });
          const touched = ['feature:new_x', 'feature:debug', 'terminal', 'version', 'registryHash'];
          if (may(token, action, stream)) {
            expect(may(user, action, stream)).toBe(true);
            expect(scope === null || may(somebody(scope), action, stream)).toBe(true);
            expect(!readOnly || action === 'read').toBe(true);
          }
          const forbidden = new Set(forbiddenSections(token, stream, touched));
          for (const section of forbiddenSections(user, stream, touched)) expect(forbidden).toContain(section);
        },
      ),
      { numRuns: 5000, seed: 13 },
    );
  });

  it('without limits may do exactly what its user may', () => {
    fc.assert(
      fc.property(
        fc.array(anyGrant, { maxLength: 4 }),
        anyStream,
        fc.constantFrom(...ACTIONS),
        (held, stream, action) => {
          expect(may(somebody(held, { kind: 'token' }), action, stream)).toBe(may(somebody(held), action, stream));
        },
      ),
      { numRuns: 1000, seed: 13 },
    );
  });
});
