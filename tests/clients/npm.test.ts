/** The main job with npm 11, as it comes from its makers. @module */
import { doesTheMainJob } from './main-job.ts';

doesTheMainJob('npm');
