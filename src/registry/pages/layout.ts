/**
 * What the registry's plain pages share: they need no script and nothing from the network, and say so to the browser.
 * @module
 */
import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { RegistryContext } from '../context.ts';

const STYLE = `:root{color-scheme:light dark;--line:#8886;--accent:#0b62d6}
@media (prefers-color-scheme:dark){:root{--accent:#6ab0ff}}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.75rem 1rem;border:1px solid var(--line);border-radius:6px}
th{text-align:left;padding-right:2rem;font-weight:600;vertical-align:top}td{overflow-wrap:anywhere}
main.narrow{max-width:22rem;margin:0 auto}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input,button,.button{font:inherit;padding:.5rem .75rem;border:1px solid var(--line);border-radius:6px}
input{box-sizing:border-box;width:100%;background:Field;color:FieldText;border-color:#808080}
button,.button{display:inline-block;cursor:pointer;background:none;color:inherit;text-decoration:none}
form.narrow button,.button{box-sizing:border-box;width:100%;text-align:center}
form.narrow button{margin-top:1.5rem;background:var(--accent);border-color:var(--accent);color:Canvas;font-weight:600}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.fault{padding:.75rem 1rem;border:1px solid #c33;border-left-width:6px;border-radius:6px}
.or{margin:1.5rem 0 1rem;text-align:center}.hint{font-size:.9rem;margin:.25rem 0 0}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline;justify-content:space-between}`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export type Html = ReturnType<typeof html>;

/** `title` is also the tab's. */
export function answerPage(c: RegistryContext, title: string, body: Html, status: ContentfulStatusCode = 200) {
  c.header('content-security-policy', POLICY);
  // With `no-referrer`, browsers would send no Origin with our own forms either.
  c.header('referrer-policy', 'strict-origin');
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        ${body}
      </body>
    </html>`;
  return c.html(page, status);
}

/** What went wrong, for somebody who would rather have come in. */
export function faultBox(fault: string | null): Html | '' {
  return fault === null ? '' : html`<p class="fault" role="alert">${fault}</p>`;
}
