/** The worker in which the journal of configs lives: SQLite and its waits stay off the event loop. @module */
import { serveJournal } from '../journal/serve.ts';
import { PROJECTIONS } from './projections.ts';

serveJournal({ projections: PROJECTIONS });
