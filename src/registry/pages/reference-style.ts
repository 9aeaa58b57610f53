/** How the reference page looks, and the policy that lets a browser use that and nothing else. @module */
import { createHash } from 'node:crypto';

export const STYLE = `:root{color-scheme:light dark;--line:#8885;--soft:#8881;--accent:#0b62d6}
@media (prefers-color-scheme:dark){:root{--accent:#6ab0ff}}
*{box-sizing:border-box}html{scroll-padding-top:1rem}
body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;grid-template-columns:21rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:.875rem}
nav h2{font-size:.875rem;margin:1rem 0 .25rem;text-transform:capitalize}nav ul{list-style:none;margin:0;padding:0}
nav a{display:block;padding:.125rem 0;overflow-wrap:anywhere;color:inherit;text-decoration:none}
nav a:hover{text-decoration:underline}.jump{display:none}
main{padding:1rem 2rem 4rem;max-width:60rem}a{color:var(--accent)}
h2.tag{margin-top:3rem;text-transform:capitalize}
article{margin:1.5rem 0;padding:1rem;border:1px solid var(--line);border-radius:8px}
article:target{border-color:var(--accent)}
article h3{margin:0;font-size:1rem;overflow-wrap:anywhere}article h4{margin:1rem 0 .25rem;font-size:.875rem}
.method{display:inline-block;min-width:4rem;font-weight:700;color:var(--accent)}
code,pre{font:.875rem/1.45 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0;padding:.75rem;background:var(--soft);border-radius:6px}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0;
border-bottom:1px solid var(--line);overflow-wrap:break-word}th{font-weight:600;white-space:nowrap;width:1%}
summary{cursor:pointer}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:50rem){body{display:flex;flex-direction:column}.jump{display:block}
nav{order:2;position:static;height:auto;border:0;border-top:1px solid var(--line)}
main{padding:1rem;width:100%;overflow-wrap:anywhere}
tr{display:block;padding:.25rem 0;border-bottom:1px solid var(--line)}
th,td{display:inline-block;max-width:100%;width:auto;padding:0 1rem 0 0;border:0;white-space:normal}}`;

/** Nothing but the style above. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
