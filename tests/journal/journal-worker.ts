/** A worker that serves the tests' projection. @module */

import { serveJournal } from '../../src/journal/serve.ts';
import { latestBodies } from './fixtures-projection.ts';

serveJournal({ projections: [latestBodies] });
