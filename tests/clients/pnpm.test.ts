/** The main job with pnpm 10, as it comes from its makers. @module */
import { doesTheMainJob } from './main-job.ts';

doesTheMainJob('pnpm');
