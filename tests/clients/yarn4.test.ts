/** The main job with Yarn 4, as it comes from its makers. @module */
import { doesTheMainJob } from './main-job.ts';

doesTheMainJob('yarn4');
