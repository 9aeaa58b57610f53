/**
 * The plain page at /_dashboard: how the registry does, and what to try first. It needs no script and nothing from the
 * network; the dashboard will take its place.
 * @module
 */
import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { route, type Route } from '../route.ts';
import { readStatus, type RegistryStatus } from './status-routes.ts';

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
pre{overflow-x:auto;padding:.75rem 1rem;border:1px solid #8886;border-radius:6px}
th{text-align:left;padding-right:2rem;font-weight:600;vertical-align:top}td{overflow-wrap:anywhere}`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function pageRoutes(services: Parameters<typeof readStatus>[0]): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/_dashboard',
      tag: 'pages',
      summary: 'How the registry does, for people',
      access: () => [{ action: 'read', stream: 'status:registry' }],
      answers: { 200: { description: 'A page', contentType: 'text/html' } },
      handle: async ({ c, principal }) => {
        c.header('content-security-policy', POLICY);
        return c.html(page(await readStatus(services, principal.actor), new URL(c.req.url).origin));
      },
    }),
  ];
}

function page(status: RegistryStatus, origin: string) {
  const rows = {
    Version: status.version,
    Running: `${Math.floor(status.uptime_ms / 1000)} s, process ${status.pid}`,
    Core: `${status.core.reason}; CRC-64 by ${status.core.crc64Kernel}`,
    Journal: `${status.journal.path}, ${status.journal.head.seq} entries`,
    Configs: String(status.configs),
    Sharing: status.sharing === 'board' ? 'processes of this machine see changes at once' : 'this process only',
    'You are': status.actor,
  };
  const title = '13-Byte Config';
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${title}</h1>
        <p>The registry is running. The dashboard is still to come: use the HTTP interface, or <code>c13</code>.</p>
        <table>
          ${Object.entries(rows).map(
            ([name, value]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${value}</td>
              </tr>`,
          )}
        </table>
        <h2>To try first</h2>
        <pre>${firstSteps(origin)}</pre>
        <p>
          <a href="/_dashboard/api/config">The config</a> · <a href="/_dashboard/api/config/history">its history</a> ·
          <a href="/_dashboard/api/features">its features</a> · <a href="/_dashboard/api/configs">all configs</a> ·
          <a href="/_dashboard/api/metrics">metrics</a>
        </p>
      </body>
    </html>`;
}

/** What a newcomer can paste into a terminal. */
export function firstSteps(origin: string): string {
  return [
    `curl ${origin}/_dashboard/api/config`,
    `curl -X POST ${origin}/_dashboard/api/features -H 'Content-Type: application/json' \\`,
    `  -d '{"feature": "debug", "enabled": true, "reason": "to see it happen"}'`,
    `curl ${origin}/_dashboard/api/config/history`,
  ].join('\n');
}
