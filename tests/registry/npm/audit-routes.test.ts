/** Audits whose body does not come: a registry that ends waits for none. @module */
import { expect, test } from 'vitest';
import { openApp } from '../app-fixtures.ts';

test.each(['security/advisories/bulk', 'security/audits/quick'])(
  '%s is given up when the registry ends',
  async (path) => {
    const { app } = await openApp();
    const ending = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{')),
      pull: () => ending.abort(),
    });
    const headers = { 'content-type': 'application/json' };
    const request = new Request(`http://localhost:4873/-/npm/v1/${path}`, { method: 'POST', headers, body });
    const answer = await app.fetch(request, { peer: null, closing: ending.signal });
    expect([answer.status, (await answer.json()) as object]).toMatchObject([503, { code: 'ERR_CLOSED' }]);
  },
);
