/** A page of another origin in a real browser: a program of the tests, bundled as a team bundles its own. @module */
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** Serves the program as a page until the test is over; its origin. */
export async function serveProgram(path: string): Promise<string> {
  const bundled = { bundle: true, format: 'esm', write: false, logLevel: 'silent' } as const;
  const { outputFiles } = await build({ entryPoints: [path], ...bundled });
  const script = outputFiles[0]!.text;
  const html = '<body><script type="module" src="/page.js"></script>';
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      '/page.js': () => new Response(script, { headers: { 'content-type': 'text/javascript' } }),
      '/': () => new Response(html, { headers: { 'content-type': 'text/html' } }),
    },
  });
  onTestFinished(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

export async function openPage(): Promise<Page> {
  const executablePath = Bun.which('chromium')!;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  onTestFinished(() => browser.close());
  return await browser.newPage();
}
