/** The page on which somebody allows a terminal to act as him, and those that say how it ended. @module */
import { html } from 'hono/html';
import { faultBox, type Html } from './layout.ts';

export const WEB_LOGIN_PATH = '/_dashboard/web-login';

export interface WebLoginPage {
  readonly ticket: string;
  readonly user: string;
  /** Where the terminal is; null: it is not known. */
  readonly address: string | null;
  readonly hostname: string | null;
  /** Whether that is where this browser is. */
  readonly isSameAddress: boolean;
}

export function webLoginPage({ ticket, user, address, hostname, isSameAddress }: WebLoginPage): Html {
  return html`<main class="narrow">
    <h1>Let a terminal sign in?</h1>
    ${isSameAddress ? '' : faultBox('It is at another address than this browser. Is it really yours?')}
    <p>
      A package manager asks to act as <strong>${user}</strong>, for 90 days: to install and to publish, and all else
      that you may do.
    </p>
    <table>
      <tr>
        <th scope="row">It is at</th>
        <td>${address ?? 'an address that is not known'}</td>
      </tr>
      ${
        hostname === null
          ? ''
          : html`<tr>
              <th scope="row">It says it is</th>
              <td>${hostname}</td>
            </tr>`
      }
    </table>
    <p>Allow it only if you have just begun this yourself. Whoever sent you a link to this page would become you.</p>
    <form class="narrow" method="post" action="${WEB_LOGIN_PATH}">
      <input type="hidden" name="ticket" value="${ticket}" />
      <button>Allow</button>
    </form>
  </main>`;
}

export function webLoginEndPage(isAllowed: boolean): Html {
  return html`<main class="narrow">
    <h1>${isAllowed ? 'Signed in' : 'This is over'}</h1>
    <p>
      ${
        isAllowed
          ? 'Go back to the terminal: it goes on by itself. Close this page.'
          : 'It was allowed before, has taken longer than ten minutes, or never began. Begin again in the terminal.'
      }
    </p>
  </main>`;
}

/** For who is let in without being a user. */
export function webLoginNobodyPage(): Html {
  return html`<main class="narrow">
    <h1>Sign in first</h1>
    <p>Only a user who has signed in with this browser can let a terminal act as him.</p>
  </main>`;
}
