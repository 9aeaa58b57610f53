/** Erases something while a reader keeps it in the log, and is killed before it can empty that. @module */
import { Database } from 'bun:sqlite';
import { openSideStore } from '../../src/journal/side-store.ts';

const [path, secret] = process.argv.slice(2) as [string, string];
const store = openSideStore({ path, durable: true });
store.set('s', 'k', secret);
const reader = new Database(path, { readonly: true });
reader.run('BEGIN');
reader.query('SELECT count(*) FROM things').get();
store.delete('s', 'k');
process.kill(process.pid, 'SIGKILL');
