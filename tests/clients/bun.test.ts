/** The main job with Bun, as it comes from its makers. @module */
import { doesTheMainJob } from './main-job.ts';

doesTheMainJob('bun');
