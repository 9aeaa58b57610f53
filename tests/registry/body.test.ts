/** How long the registry waits for a body, on a real connection. @module */
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { owner } from '../../src/auth/rights.ts';
import { limitsFor } from '../../src/registry/limits.ts';
import { serve } from '../../src/registry/serve.ts';
import { openApp } from './app-fixtures.ts';

const HEAD = [
  'PATCH /api/v1/configs/default HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  'Content-Length: 9999',
  '',
].join('\r\n');
const DRIP_MS = 5;

it('gives a body that drips no more than its time, whatever it is read for, and its place back', async () => {
  const limits = limitsFor({ trustedProxies: [], rateLimit: 0, anonymousRateLimit: 0 });
  const { app, operations } = await openApp(undefined, () => owner('ann@loopback'), limits);
  const before = await operations.store.journal.head();
  const served = serve({
    host: '127.0.0.1',
    port: 0,
    hot: {},
    answer: (request, from) => app.fetch(request, { ...from, bodyTime_ms: 60 }),
    failed: (error) => Response.json(String(error), { status: 500 }),
  });
  onTestFinished(() => served.stop());
  for (const header of ['', 'Idempotency-Key: once\r\n']) {
    const answer = await dripped(served.port, `${HEAD}${header}\r\n{"rows"`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*connection: close[\s\S]*"ERR_BODY_TIMEOUT"/i);
    expect(limits.underWay.size).toBe(0);
  }
  expect(await operations.store.journal.head()).toEqual(before);
  const body = JSON.stringify({ rows: 31 });
  const init = { method: 'PATCH', body, headers: { 'content-type': 'application/json' } };
  expect((await fetch(`${served.url}/api/v1/configs/default`, init)).status).toBe(200);
});

/** Sends a beginning and then blank after blank, never still and never done, until there is an answer. */
async function dripped(port: number, beginning: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const drip = setInterval(() => socket.write(' '), DRIP_MS);
  try {
    socket.write(beginning);
    return await new Promise<string>((resolve, reject) => {
      let heard = '';
      socket.on('error', reject);
      socket.on('data', (bytes) => {
        heard += bytes.toString();
        if (heard.includes('"ERR_')) resolve(heard);
      });
      socket.on('close', () => resolve(heard));
    });
  } finally {
    clearInterval(drip);
    socket.destroy();
  }
}
