/**
 * The local cloud in a process of its own, so that it can be killed alone: the program of
 * a chaos run. Its instances reach it through the fault proxy, as all do.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { startLocalCloud } from '../../../local/cloud.ts';
import { processLauncher } from '../../../local/processes/instances.ts';
import { createLogger } from '../../../runtime/log.ts';
import { leaveWithParent, stopOnSignals } from '../../../runtime/process/exit.ts';

/** Its options, as JSON in the environment. */
const cloudPlanSchema = z.object({
  port: z.int(),
  dataDir: z.string(),
  region: z.string(),
  proxyUrl: z.string(),
  instanceLimit: z.int(),
  /** Script and arguments that instances run. */
  program: z.array(z.string()),
  image: z.record(z.string(), z.string()),
  temporaryFolder: z.string(),
  logLevel: z.string(),
});
export type CloudPlan = z.output<typeof cloudPlanSchema>;

export const PLAN_VARIABLE = 'CHAOS_CLOUD_PLAN';

if (import.meta.main) {
  const plan = cloudPlanSchema.parse(JSON.parse(process.env[PLAN_VARIABLE] ?? '{}'));
  const log = createLogger('cloud', plan.logLevel);
  const cloud = await startLocalCloud({
    port: plan.port,
    dataDir: plan.dataDir,
    region: plan.region,
    log,
    instanceLimit: plan.instanceLimit,
    launcher: () =>
      processLauncher({
        args: plan.program,
        image: plan.image,
        endpointUrl: plan.proxyUrl,
        region: plan.region,
        logFolder: join(plan.dataDir, 'logs'),
        machine: { ...process.env, TMPDIR: plan.temporaryFolder },
      }),
  });
  stopOnSignals(log, () => cloud.stop());
  leaveWithParent(log);
  process.send?.({ listening: plan.port });
}
