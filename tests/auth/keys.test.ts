/**
 * The signing keys: private, whole, and rotated under the feet of a running registry without anybody being sent away.
 * @module
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toBase64url } from '../../src/auth/base64url.ts';
import { Jwts } from '../../src/auth/jwt.ts';
import { LIFETIME_MAX_ms, openKeys } from '../../src/auth/keys.ts';
import { dataDirectory, ISSUER, refusal, type Registry, registry, standingClock } from './key-fixtures.ts';

const LEEWAY_ms = 60_000;

function files({ directory }: { directory: string }): string[] {
  return readdirSync(join(directory, 'keys')).filter((name) => name.endsWith('.json'));
}

function stored(ours: Registry, kid: string): any {
  return JSON.parse(readFileSync(join(ours.directory, 'keys', `${kid}.json`), 'utf8'));
}

/** Changes a key's file in place, keeping its mode. */
function damage(ours: Registry, kid: string, change: (key: any) => unknown): void {
  writeFileSync(join(ours.directory, 'keys', `${kid}.json`), JSON.stringify(change(stored(ours, kid))));
}

describe('the directory', () => {
  test('and all in it are for the owner alone', async () => {
    const { directory } = await registry();
    const keys = join(directory, 'keys');
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    const names = readdirSync(keys);
    expect(names).toHaveLength(2);
    for (const name of names) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
  });

  test('has its mode whatever the mask', async () => {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const { directory, keys } = await registry();
    process.umask(0o777);
    await keys.rotate();
    process.umask(before);
    for (const name of readdirSync(join(directory, 'keys'))) {
      expect(statSync(join(directory, 'keys', name)).mode & 0o777).toBe(0o600);
    }
  });

  test('is refused when others can look into it', async () => {
    const ours = await registry();
    for (const mode of [0o750, 0o701, 0o777]) {
      chmodSync(join(ours.directory, 'keys'), mode);
      const { hint } = await refusal(openKeys(ours.directory), 'ERR_KEYS');
      expect(hint).toContain('chmod 700');
    }
  });

  test('that cannot be made, or is none, is said to be so', async () => {
    const ours = await registry();
    const file = join(ours.directory, 'file');
    writeFileSync(file, '');
    expect((await refusal(openKeys(file), 'ERR_KEYS')).message).toContain('cannot be written');
    rmSync(join(ours.directory, 'keys'), { recursive: true });
    expect((await refusal(ours.keys.rotate(), 'ERR_KEYS')).message).toContain('cannot be read');
    writeFileSync(join(ours.directory, 'keys'), '');
    await refusal(openKeys(ours.directory), 'ERR_KEYS');
  });

  test('keeps the keys over a restart', async () => {
    const ours = await registry();
    const again = await openKeys(ours.directory, ours.clock);
    expect((await again.signingKey()).kid).toBe((await ours.keys.signingKey()).kid);
    expect(files(ours)).toHaveLength(1);
  });

  test('loses what a process that died had begun to write, and nothing that is being written', async () => {
    const ours = await registry();
    const [old, young] = ['old', 'young'].map((name) =>
      join(ours.directory, 'keys', `${name}.json.draft-${crypto.randomUUID()}`),
    ) as [string, string];
    for (const path of [old, young]) writeFileSync(path, 'half', { mode: 0o600 });
    utimesSync(old, 1, 1);
    await openKeys(ours.directory, ours.clock);
    expect(readdirSync(join(ours.directory, 'keys')).filter((name) => name.includes('draft'))).toEqual([
      young.split('/').at(-1),
    ]);
  });
});

describe('a file', () => {
  test.each([0o640, 0o604, 0o660])('that others can read is refused (%o)', async (mode) => {
    for (const name of ['seal.key', null]) {
      const ours = await registry();
      chmodSync(join(ours.directory, 'keys', name ?? files(ours)[0]!), mode);
      const { message } = await refusal(openKeys(ours.directory), 'ERR_KEYS');
      expect(message).toContain('is open to other users');
    }
  });

  test('that is a link or a directory is refused', async () => {
    const ours = await registry();
    const path = join(ours.directory, 'keys', files(ours)[0]!);
    renameSync(path, join(ours.directory, 'elsewhere'));
    symlinkSync(join(ours.directory, 'elsewhere'), path);
    expect((await refusal(openKeys(ours.directory), 'ERR_KEYS')).message).toContain('is a link');
    rmSync(path);
    mkdirSync(path, { mode: 0o700 });
    expect((await refusal(openKeys(ours.directory), 'ERR_KEYS')).message).toContain('is no file');
  });

  const damages: Record<string, (key: any) => unknown> = {
    'another format': (key) => ({ ...key, format: 2 }),
    'no key': () => null,
    'a list': (key) => [key],
    'no private half': (key) => ({ ...key, jwk: { ...key.jwk, d: undefined } }),
    'a member that is no text': (key) => ({ ...key, jwk: { ...key.jwk, x: [key.jwk.x] } }),
    'another curve': (key) => ({ ...key, jwk: { ...key.jwk, crv: 'X25519' } }),
    'a symmetric key': (key) => ({ ...key, jwk: { kty: 'oct', k: key.jwk.d } }),
    'a time that is none': (key) => ({ ...key, retiredAt: 'yesterday' }),
    'no time at all': (key) => ({ ...key, retiredAt: undefined }),
    'another key under its name': (key) => ({ ...key, jwk: { ...key.jwk, x: key.jwk.d } }),
  };
  test.each(Object.keys(damages))('that holds %s is refused', async (name) => {
    const ours = await registry();
    damage(ours, (await ours.keys.signingKey()).kid, damages[name]!);
    await refusal(openKeys(ours.directory), 'ERR_KEYS');
  });

  test('that has the name of another key is refused', async () => {
    const ours = await registry();
    const path = join(ours.directory, 'keys', files(ours)[0]!);
    renameSync(path, join(ours.directory, 'keys', `${'A'.repeat(43)}.json`));
    expect((await refusal(openKeys(ours.directory), 'ERR_KEYS')).message).toContain('does not have the name');
  });

  test('that is no JSON is refused', async () => {
    const ours = await registry();
    writeFileSync(join(ours.directory, 'keys', files(ours)[0]!), '{"format":1,');
    await refusal(openKeys(ours.directory), 'ERR_KEYS');
  });

  test.each([
    ['of small order', `AQ${'A'.repeat(41)}`],
    [
      'of small order, order 8',
      toBase64url(Uint8Array.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')),
    ],
    ['of zeros', 'A'.repeat(43)],
  ])('whose public half is %s is refused, under the right name too', async (_, x) => {
    const ours = await registry();
    const { kid } = await ours.keys.signingKey();
    const path = join(ours.directory, 'keys', `${kid}.json`);
    damage(ours, kid, (key) => ({ ...key, jwk: { ...key.jwk, x } }));
    const name = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
    renameSync(path, join(ours.directory, 'keys', `${name}.json`));
    expect((await refusal(openKeys(ours.directory), 'ERR_KEYS')).message).toContain('do not belong together');
  });

  test('with another name than a key has is not looked at', async () => {
    const ours = await registry();
    for (const name of ['notes.txt', 'short.json', `${'A'.repeat(43)}.json~`]) {
      writeFileSync(join(ours.directory, 'keys', name), 'anything');
    }
    const again = await openKeys(ours.directory, ours.clock);
    expect((await again.jwks()).keys).toHaveLength(1);
  });
});

describe('the JWKS', () => {
  test('holds public halves, with which anybody can verify', async () => {
    const ours = await registry();
    const { token } = await ours.jwts.issue('ann', 1);
    await ours.keys.rotate();
    const jwks = await ours.keys.jwks();
    expect(jwks.keys).toHaveLength(2);
    for (const key of jwks.keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
      expect(await calculateJwkThumbprint(key)).toBe(key.kid);
    }
    const verified = await jwtVerify(token, createLocalJWKSet({ keys: jwks.keys.map((key) => ({ ...key })) }), {
      issuer: ISSUER,
      currentDate: new Date(ours.clock()),
    });
    expect(verified.payload.sub).toBe('ann');
  });

  test('never says what is private', async () => {
    const ours = await registry();
    const kid = await ours.keys.rotate();
    const said = JSON.stringify(await ours.keys.jwks());
    expect(said).toContain(stored(ours, kid).jwk.x);
    expect(said).not.toContain(stored(ours, kid).jwk.d);
    const { privateKey } = await ours.keys.signingKey();
    expect(privateKey.extractable).toBe(false);
  });
});

describe('rotation', () => {
  test('signs with the new key at once, and still knows the old one', async () => {
    const ours = await registry();
    const before = await ours.jwts.issue('ann', 1);
    const old = (await ours.keys.signingKey()).kid;
    const kid = await ours.keys.rotate();
    expect(kid).not.toBe(old);
    expect((await ours.keys.signingKey()).kid).toBe(kid);
    expect((await ours.keys.jwks()).keys.map((key) => key.kid).toSorted()).toEqual([kid, old].toSorted());
    await ours.jwts.verify(before.token);
    await ours.jwts.verify((await ours.jwts.issue('ann', 1)).token);
    expect(stored(ours, old).retiredAt).toBe(ours.clock());
  });

  test('keeps an old key until the longest token that it signed has expired, and no longer', async () => {
    const ours = await registry();
    const old = (await ours.keys.signingKey()).kid;
    const { token } = await ours.jwts.issue('ann', 1, LIFETIME_MAX_ms);
    await ours.keys.rotate();
    ours.clock.ms += LIFETIME_MAX_ms - 1;
    await ours.jwts.verify(token);
    ours.clock.ms += LEEWAY_ms;
    expect(await ours.keys.find(old)).not.toBeNull();
    ours.clock.ms += 1;
    expect(await ours.keys.find(old)).toBeNull();
    ours.clock.ms += 1000;
    expect((await ours.keys.jwks()).keys.map(({ kid }) => kid)).not.toContain(old);
    expect(files(ours)).not.toContain(`${old}.json`);
  });

  test('of somebody else is noticed within a second, and not looked for more often', async () => {
    const ours = await registry();
    const old = (await ours.keys.signingKey()).kid;
    const other = await openKeys(ours.directory, ours.clock);
    const kid = await other.rotate();
    ours.clock.ms += 999;
    expect(await ours.keys.find(kid)).toBeNull();
    expect((await ours.keys.signingKey()).kid).toBe(old);
    ours.clock.ms += 1;
    expect(await ours.keys.find(kid)).not.toBeNull();
    expect((await ours.keys.signingKey()).kid).toBe(kid);
    expect(await ours.keys.find(old)).not.toBeNull();
  });

  test('is noticed when the clock has been set back', async () => {
    const ours = await registry();
    const kid = await (await openKeys(ours.directory, ours.clock)).rotate();
    ours.clock.ms -= 3_600_000;
    expect(await ours.keys.find(kid)).not.toBeNull();
  });

  test('by several at once loses no key, and the next one retires them all', async () => {
    const ours = await registry();
    const handles = [ours.keys, await openKeys(ours.directory, ours.clock), await openKeys(ours.directory, ours.clock)];
    const made = await Promise.all([...handles, ...handles].map((keys) => keys.rotate()));
    ours.clock.ms += 1000;
    for (const kid of made) expect(await ours.keys.find(kid)).not.toBeNull();
    const last = await ours.keys.rotate();
    const active = files(ours).filter((name) => stored(ours, name.slice(0, -5)).retiredAt === null);
    expect(active).toEqual([`${last}.json`]);
  });

  test('while others verify turns nobody away', async () => {
    const ours = await registry();
    const { token } = await ours.jwts.issue('ann', 1);
    const tried: Promise<unknown>[] = [];
    for (let round = 0; round < 10; round++) {
      const turn = ours.keys.rotate();
      ours.clock.ms += 1000;
      for (let i = 0; i < 5; i++) tried.push(ours.jwts.verify(token));
      await turn;
      tried.push(ours.jwts.verify((await ours.jwts.issue('bob', 1)).token));
    }
    expect(await Promise.allSettled(tried)).toSatisfy((all: PromiseSettledResult<unknown>[]) =>
      all.every(({ status }) => status === 'fulfilled'),
    );
  });

  test('a key whose file was removed verifies nothing a second later', async () => {
    const ours = await registry();
    const { token } = await ours.jwts.issue('ann', 1);
    rmSync(join(ours.directory, 'keys', files(ours)[0]!));
    ours.clock.ms += 1000;
    expect((await refusal(ours.jwts.verify(token), 'ERR_UNAUTHENTICATED')).details).toEqual({ why: 'unknown' });
    await ours.jwts.verify((await ours.jwts.issue('ann', 1)).token);
  });
});

describe('other processes', () => {
  const script = join(import.meta.dirname, 'rotate-keys.ts');

  function child(directory: string, times: number): Bun.Subprocess<'ignore', 'pipe', 'inherit'> {
    return Bun.spawn([process.execPath, script, directory, String(times)], { stdout: 'pipe', stderr: 'inherit' });
  }

  test('that start on an empty directory together agree', async () => {
    const directory = dataDirectory();
    const children = [child(directory, 0), child(directory, 0), child(directory, 0)];
    const said = await Promise.all(children.map(async ({ stdout }) => JSON.parse(await new Response(stdout).text())));
    const keys = await openKeys(directory);
    for (const { kid, sealed } of said) {
      expect(await keys.find(kid)).not.toBeNull();
      expect(await keys.seal.openText('test', sealed)).toBe(kid);
    }
  });

  test('rotate while we run: what they sign is let in', async () => {
    const ours = await registry();
    const { kid, token } = JSON.parse(await new Response(child(ours.directory, 2).stdout).text());
    const running = new Jwts(ours.keys, ISSUER);
    ours.clock.ms += 1000;
    expect((await ours.keys.signingKey()).kid).toBe(kid);
    expect((await running.verify(token)).user).toBe('ann');
  });

  test('that are killed while they rotate leave keys that open, and at least one that signs', async () => {
    const directory = dataDirectory();
    for (let round = 0; round < 6; round++) {
      const rotating = child(directory, 1_000_000);
      const reader = rotating.stdout.getReader();
      for (let rotations = 0; rotations <= round; rotations++) await reader.read();
      rotating.kill('SIGKILL');
      await rotating.exited;
      const keys = await openKeys(directory, standingClock());
      await keys.find((await keys.signingKey()).kid);
      expect((await keys.signingKey()).privateKey.type).toBe('private');
    }
  });
});
