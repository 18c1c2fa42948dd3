/**
 * `npm run grader`: the checks of the course's grader without its menu, each a sentence; exits 1 when
 * one fails. With the generator's flags it posts photos and watches the fleet go 0 → n → 0 meanwhile.
 */
import type { Argv, CommandModule } from 'yargs';
import { type GraderFlags, graderOptions } from './grader/options.ts';
import { runOptions } from './run.ts';

export const command: CommandModule<object, GraderFlags> = {
  command: 'grader',
  describe: 'Check the system as the course’s grader does, at rest or during a run',
  builder: (yargs: Argv) =>
    yargs
      .options(graderOptions)
      .group(Object.keys(runOptions), 'Run to watch (as for `workload`):')
      .example('$0 grader --endpoint_url http://127.0.0.1:4566', 'the local stack at rest')
      .example('$0 grader --id 1229999999 --watch', 'the scaling table of a project on AWS')
      .example(
        '$0 grader --endpoint_url http://127.0.0.1:4566 --url http://127.0.0.1:8000/ --image_folder photos',
        'a run, watching the fleet',
      ),
  async handler(flags): Promise<void> {
    const { grade } = await import('./grader/grade.ts');
    process.exitCode = await grade(flags);
  },
};
