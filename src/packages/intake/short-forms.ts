/**
 * What people may write in short in a `package.json`, in the long form that readers of packages know: clients do so
 * before they publish. What is neither stays as it is: nobody acts upon it.
 * @module
 */
type Fields = Readonly<Record<string, unknown>>;

const HOSTS: Readonly<Record<string, string>> = {
  github: 'https://github.com',
  gitlab: 'https://gitlab.com',
  bitbucket: 'https://bitbucket.org',
};
const REPOSITORY = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/;
const PERSON_LENGTH_MAX = 500;
const PERSON = /^([^<(]*)(?:<([^>]*)>)?\s*(?:\(([^)]*)\))?$/;

/**
 * The fields, with those in short written out.
 * @example writtenOut({ author: 'Ann <ann@acme.example>', repository: 'acme/ui' })
 */
export function writtenOut(fields: Fields): Record<string, unknown> {
  const written: Record<string, unknown> = { ...fields };
  const change = (field: string, write: (value: unknown) => unknown): void => {
    if (written[field] !== undefined) written[field] = write(written[field]);
  };
  change('author', personOf);
  for (const list of ['contributors', 'maintainers']) {
    change(list, (people) => (Array.isArray(people) ? people.map(personOf) : people));
  }
  change('repository', repositoryOf);
  change('bugs', bugsOf);
  change('keywords', (words) =>
    typeof words === 'string' ? words.split(/,?\s+/).filter((word) => word !== '') : words,
  );
  return written;
}

/** `Ann <ann@acme.example> (https://acme.example)`. */
function personOf(value: unknown): unknown {
  const parts = typeof value === 'string' && value.length <= PERSON_LENGTH_MAX ? PERSON.exec(value) : null;
  if (parts === null) return value;
  const [name, email, url] = parts.slice(1).map((part) => part?.trim() ?? '');
  return Object.fromEntries(Object.entries({ name, email, url }).filter(([, text]) => text !== ''));
}

/** `acme/ui`, `gitlab:acme/ui`, or an address. */
function repositoryOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const [, host = 'github', path] = REPOSITORY.exec(value) ?? [];
  return { type: 'git', url: path === undefined ? value : `git+${HOSTS[host]}/${path.replace(/\.git$/, '')}.git` };
}

function bugsOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return /^[a-z]+:/i.test(value) || !value.includes('@') ? { url: value } : { email: value };
}
