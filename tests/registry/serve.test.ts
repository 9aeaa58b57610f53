/** The server around the app: what neither the app nor the hot way could answer is answered all the same. @module */
import { expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/registry/serve.ts';

it('answers what throws with what it was given for that, on both ways', async () => {
  const failures: string[] = [];
  const served = serve({
    host: '127.0.0.1',
    port: 0,
    answer: () => Promise.reject(new Error('the ordinary way')),
    hot: {
      '/api/v1/configs/:name': {
        method: 'GET',
        answer: () => {
          throw new Error('the hot way');
        },
      },
    },
    failed: (error) => {
      failures.push((error as Error).message);
      return new Response('sorry', { status: 500 });
    },
  });
  onTestFinished(() => served.stop());
  for (const path of ['/health', '/api/v1/configs/default']) {
    const answer = await fetch(served.url + path);
    expect([answer.status, await answer.text()]).toEqual([500, 'sorry']);
  }
  expect(failures).toEqual(['the ordinary way', 'the hot way']);
});
