/**
 * Calls made from the description, right and wrong ones, on the real app: nothing is a fault of ours, every answer is
 * as described, and what is refused has changed nothing.
 * @module
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arbitraryCall, type MadeCall } from './arbitrary-calls.ts';
import { openApp } from './app-fixtures.ts';
import { Description } from './description.ts';
import { prepared } from './prepared.ts';

const SEED = 20260301;
const CALLS_EACH = 50;

it('answers whatever is asked as it says it does, and a refusal changes nothing', async () => {
  const app = await openApp();
  await prepared(app);
  const { journal } = app.operations.store;
  const description = new Description((await app.call('GET', '/openapi.json')).body);
  expect(description.operations.length).toBeGreaterThan(50);
  const seen = new Map<number, number>();
  const attempt = async (call: MadeCall): Promise<void> => {
    const before = (await journal.head()).seq;
    const answer = await app.send(call.method, call.path, {
      headers: call.headers,
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
    const shown = `${call.method} ${call.path} ${JSON.stringify(call.headers)} ${call.body?.slice(0, 300)}`;
    const described = description.find(call.method, new URL(call.path, 'http://localhost').pathname);
    const isUnknown = answer.status === 404 && described === undefined;
    if (!isUnknown) expect(description.faultOf(described!, answer), shown).toBeNull();
    expect(answer.status, shown).not.toBe(500);
    if (answer.status < 400) return;
    // What OFREP can say itself is in its own shapes, for its clients read no others.
    const isOfrep = call.path.includes('/ofrep/v1/') && answer.headers.get('content-type') === 'application/json';
    const problem = { code: /^ERR_/, hint: /./, status: answer.status };
    expect(answer.body, shown).toMatchObject(isOfrep ? { errorCode: /^[A-Z_]+$/, errorDetails: /./ } : problem);
    expect(JSON.stringify(answer.body).length, shown).toBeLessThan(64 * 1024);
    expect((await journal.head()).seq, shown).toBe(before);
  };
  for (const operation of description.operations) {
    await prepared(app);
    const property = fc.asyncProperty(arbitraryCall(operation, description), attempt);
    await fc.assert(property, { seed: SEED, numRuns: CALLS_EACH, interruptAfterTimeLimit: 4000 });
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)['rows']).toBeUndefined();
  // Neither side of the door was left out.
  expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 201, 204, 400, 404, 412, 415, 422]));
}, 120_000);
