/** Every policy by the name that the setting SCALE_POLICY gives it. */
import type { Settings } from '../../../runtime/settings.ts';
import { backlog } from './backlog.ts';
import { drainTime } from './drain-time.ts';
import type { Policy } from './policy.ts';
import { threshold } from './threshold.ts';

export const policies: Readonly<Record<Settings['SCALE_POLICY'], Policy>> = {
  threshold,
  backlog,
  'drain-time': drainTime,
};
