/** The page to sign in on, and the one on which the first administrator is made. @module */
import { html } from 'hono/html';
import { faultBox, type Html } from './layout.ts';

export interface LoginPage {
  /** What was typed, to be corrected; never a password. */
  readonly user: string;
  readonly returnTo: string;
  /** Whether a code of the second factor is asked for. */
  readonly asksCode: boolean;
  readonly fault: string | null;
  /** Who else can say who somebody is; null: nobody. */
  readonly issuer: string | null;
  /** While there is none, nobody can sign in. */
  readonly hasUsers: boolean;
}

export interface SetupPage {
  readonly secret: string;
  readonly user: string;
  readonly fault: string | null;
}

export const LOGIN_PATH = '/_dashboard/login';
export const SETUP_PATH = '/_dashboard/setup';
export const OIDC_START_PATH = '/_dashboard/oidc/start';
export const OIDC_CALLBACK_PATH = '/_dashboard/oidc/callback';

export function loginPage({ user, returnTo, asksCode, fault, issuer, hasUsers }: LoginPage): Html {
  if (!hasUsers) return nobodyYet(fault);
  return html`<main class="narrow">
    <h1>Sign in</h1>
    ${faultBox(fault)}
    <form class="narrow" method="post" action="${LOGIN_PATH}">
      <input type="hidden" name="returnTo" value="${returnTo}" />
      <label for="user">User</label>
      <input
        id="user"
        name="user"
        value="${user}"
        required
        maxlength="64"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
      />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" required maxlength="256" autocomplete="current-password" />
      ${
        asksCode
          ? html`<label for="code">Code</label>
              <input
                id="code"
                name="code"
                required
                maxlength="64"
                autocomplete="one-time-code"
                autocapitalize="none"
                spellcheck="false"
              />`
          : ''
      }
      <button>Sign in</button>
    </form>
    ${
      issuer === null
        ? ''
        : html`<p class="or">or</p>
            <p>
              <a class="button" href="${`${OIDC_START_PATH}?returnTo=${encodeURIComponent(returnTo)}`}"
                >Sign in with ${new URL(issuer).host}</a
              >
            </p>`
    }
  </main>`;
}

function nobodyYet(fault: string | null): Html {
  return html`<main class="narrow">
    <h1>Sign in</h1>
    ${faultBox(fault)}
    <p>
      There is no user yet. Open the setup link that the registry printed when it started. If it is gone, whoever runs
      the registry makes a new one (in a checkout with <code>bun run cli</code> for <code>c13</code>):
    </p>
    <pre>c13 setup-link</pre>
  </main>`;
}

/** For who comes when it is done, or without a link: no form that could only fail. */
export function noSetupPage(hasUsers: boolean): Html {
  if (!hasUsers) return nobodyYet(null);
  return html`<main class="narrow">
    <h1>It is set up</h1>
    <p>There is an administrator already: ask for a user of your own, or sign in with it.</p>
    <p><a class="button" href="${LOGIN_PATH}">Sign in</a></p>
  </main>`;
}

export function setupPage({ secret, user, fault }: SetupPage): Html {
  return html`<main class="narrow">
    <h1>Make the first administrator</h1>
    <p>From then on the registry lets in only who has signed in, or shows a token.</p>
    ${faultBox(fault)}
    <form class="narrow" method="post" action="${SETUP_PATH}">
      <input type="hidden" name="secret" value="${secret}" />
      <label for="user">User</label>
      <input
        id="user"
        name="user"
        value="${user}"
        required
        maxlength="64"
        pattern="[a-z0-9][a-z0-9._\\-]*"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        aria-describedby="user-hint"
      />
      <p class="hint" id="user-hint">Small letters, digits, dots, hyphens and underscores.</p>
      <label for="password">Password</label>
      <input
        id="password"
        name="password"
        type="password"
        required
        minlength="12"
        maxlength="256"
        autocomplete="new-password"
        aria-describedby="password-hint"
      />
      <p class="hint" id="password-hint">At least 12 characters, such as four random words.</p>
      <label for="again">The password again</label>
      <input
        id="again"
        name="again"
        type="password"
        required
        minlength="12"
        maxlength="256"
        autocomplete="new-password"
      />
      <button>Make the administrator</button>
    </form>
  </main>`;
}
