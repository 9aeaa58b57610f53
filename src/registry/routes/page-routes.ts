/**
 * The plain page at /_dashboard: how the registry does, and what to try first. It needs no script and nothing from the
 * network; the dashboard will take its place.
 * @module
 */
import { html } from 'hono/html';
import { may, type Principal } from '../../auth/rights.ts';
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
      access: 'signed-in',
      answers: { 200: { description: 'A page', contentType: 'text/html' } },
      handle: async ({ c, principal }) => {
        const isInside = may(principal, 'read', 'status:registry');
        const status = isInside ? await readStatus(services, principal.actor) : null;
        return answerPage(c, TITLE, page(status, principal, URL.parse(c.req.url)?.origin ?? 'http://localhost:4873'));
      },
    }),
  ];
}

const TITLE = '13-Byte Config';

/** `status` is null for who may not see it. */
function page(status: RegistryStatus | null, { kind, actor, grants }: Principal, origin: string): Html {
  const rows = { ...(status === null ? {} : statusRows(status)), 'You are': actor };
  return html`<header>
      <h1>${TITLE}</h1>
      ${wayOut(kind)}
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
    ${grants.length === 0 ? NOTHING_GRANTED : toTry(firstSteps(origin, kind !== 'owner'))}`;
}

const NOTHING_GRANTED = html`<p>Nothing has been granted to you yet: ask an administrator for a grant.</p>`;

function toTry(steps: string): Html {
  return html`<h2>To try first</h2>
    <pre>${steps}</pre>
    <p>
      <a href="/_dashboard/api/config">The config</a> · <a href="/_dashboard/api/config/history">its history</a> ·
      <a href="/_dashboard/api/features">its features</a> · <a href="/_dashboard/api/configs">all configs</a> ·
      <a href="/_dashboard/api/metrics">metrics</a>
    </p>`;
}

function statusRows({ version, uptime_ms, pid, core, journal, configs, sharing }: RegistryStatus) {
  return {
    Version: version,
    Running: `${Math.floor(uptime_ms / 1000)} s, process ${pid}`,
    Core: `${core.reason}; CRC-64 by ${core.crc64Kernel}`,
    Journal: `${journal.path}, ${journal.head.seq} entries`,
    Configs: String(configs),
    Sharing: sharing === 'board' ? 'processes of this machine see changes at once' : 'this process only',
  };
}

/** The owner has never signed in, and a token has no session to end. */
function wayOut(kind: Principal['kind']): Html | '' {
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
