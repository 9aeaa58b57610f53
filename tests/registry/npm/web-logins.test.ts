/** Sign-ins that wait for a browser: how long, how many, and for whom. @module */
import { expect, it } from 'vitest';
import { isConfigError } from '../../../src/errors/errors.ts';
import { WebLogins } from '../../../src/registry/npm/web-logins.ts';

const MINUTE_MS = 60_000;
const ANN = { user: 'ann', epoch: 1 };

function begun(logins: WebLogins, countedBy = '192.0.2.7') {
  return logins.begin({ address: countedBy, countedBy, hostname: null });
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    return isConfigError(error) ? error.code : 'another';
  }
}

it('gives away who allowed it once, to the terminal alone', () => {
  const logins = new WebLogins();
  const { ticket, secret } = begun(logins);
  expect([logins.poll(secret), logins.poll(ticket), logins.find(secret)]).toEqual(['waiting', null, null]);
  expect(logins.allow(secret, ANN)).toBe(false);
  expect(logins.allow(ticket, ANN)).toBe(true);
  expect(logins.allow(ticket, { user: 'eve', epoch: 1 })).toBe(false);
  expect(logins.find(ticket)).toBeNull();
  expect([logins.poll(secret), logins.poll(secret)]).toEqual([ANN, null]);
});

it('is over after ten minutes, allowed or not', () => {
  let now = 0;
  const logins = new WebLogins(() => now);
  const [one, two] = [begun(logins), begun(logins)];
  logins.allow(two.ticket, ANN);
  now = 10 * MINUTE_MS - 1;
  expect(logins.poll(one.secret)).toBe('waiting');
  now++;
  expect([logins.poll(one.secret), logins.poll(two.secret), logins.find(one.ticket)]).toEqual([null, null, null]);
  expect(logins.allow(one.ticket, ANN)).toBe(false);
});

it('waits for ten of an address, and a thousand of all, until they are over', () => {
  let now = 0;
  const logins = new WebLogins(() => now);
  for (let i = 0; i < 10; i++) begun(logins);
  expect(codeOf(() => begun(logins))).toBe('ERR_RATE_LIMITED');
  for (let i = 10; i < 1000; i++) begun(logins, `2001:db8:0:${i}/64`);
  expect(codeOf(() => begun(logins, '198.51.100.7'))).toBe('ERR_RATE_LIMITED');
  now = 10 * MINUTE_MS;
  expect(codeOf(() => begun(logins))).toBe('none');
});

it('shows of a host name what can be printed', () => {
  const logins = new WebLogins();
  const { ticket } = logins.begin({ address: null, countedBy: '', hostname: `a\u001b[31m\u202e${'b'.repeat(100)}` });
  expect(logins.find(ticket)!.hostname).toBe(`a?[31m?${'b'.repeat(73)}`);
});
