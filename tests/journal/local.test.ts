/** The contract on the calling thread. @module */
import { journalContract } from '../contract/journal.contract.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { latestBodies } from './fixtures-projection.ts';

journalContract('on the calling thread', async (path) => openLocalJournal({ path, projections: [latestBodies] }));
