/**
 * The plain page at /_dashboard: how the registry does, and what to try first. It needs no script and nothing from the
 * network; the dashboard will take its place.
 * @module
 */
import { html } from 'hono/html';
import type { Principal } from '../../auth/rights.ts';
import { answerPage, type Html } from '../pages/layout.ts';
import { route, type Route } from '../route.ts';
import { readStatus, type RegistryStatus } from './status-routes.ts';

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
        const status = await readStatus(services, principal.actor);
        return answerPage(c, TITLE, page(status, principal, URL.parse(c.req.url)?.origin ?? 'http://localhost:4873'));
      },
    }),
  ];
}

const TITLE = '13-Byte Config';

function page(status: RegistryStatus, { kind }: Principal, origin: string): Html {
  const rows = {
    Version: status.version,
    Running: `${Math.floor(status.uptime_ms / 1000)} s, process ${status.pid}`,
    Core: `${status.core.reason}; CRC-64 by ${status.core.crc64Kernel}`,
    Journal: `${status.journal.path}, ${status.journal.head.seq} entries`,
    Configs: String(status.configs),
    Sharing: status.sharing === 'board' ? 'processes of this machine see changes at once' : 'this process only',
    'You are': status.actor === '' ? 'not signed in' : status.actor,
  };
  return html`<header>
      <h1>${TITLE}</h1>
      ${wayInOrOut(kind)}
    </header>
    <p>
      The registry is running. The dashboard is still to come: use the <a href="/docs">HTTP interface</a>, or
      <code>c13</code> (in a checkout <code>bun run cli</code>).
    </p>
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
    <pre>${firstSteps(origin, kind !== 'owner')}</pre>
    <p>
      <a href="/_dashboard/api/config">The config</a> · <a href="/_dashboard/api/config/history">its history</a> ·
      <a href="/_dashboard/api/features">its features</a> · <a href="/_dashboard/api/configs">all configs</a> ·
      <a href="/_dashboard/api/metrics">metrics</a>
    </p>`;
}

/** The owner has never signed in, and a token has no session to end. */
function wayInOrOut(kind: Principal['kind']): Html | '' {
  if (kind === 'anonymous') return html`<a href="/_dashboard/login">Sign in</a>`;
  if (kind !== 'user') return '';
  return html`<form method="post" action="/_dashboard/logout"><button>Sign out</button></form>`;
}

/** What a newcomer can paste into a terminal; from the first user on, a token goes with it. */
export function firstSteps(origin: string, needsToken: boolean): string {
  const curl = needsToken ? 'curl -H "Authorization: Bearer $C13_TOKEN"' : 'curl';
  return [
    `${curl} ${origin}/_dashboard/api/config`,
    `${curl} -X POST ${origin}/_dashboard/api/features -H 'Content-Type: application/json' \\`,
    `  -d '{"feature": "debug", "enabled": true, "reason": "to see it happen"}'`,
    `${curl} ${origin}/_dashboard/api/config/history`,
  ].join('\n');
}
