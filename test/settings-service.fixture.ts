/** The web tier or the scaler as a process that looks for changed settings every SETTINGS_POLL_MS. */
import { openSettingsParameter } from '../cloud/aws/settings-parameter.ts';
import { runService } from '../runtime/process/service.ts';
import { startScaler } from '../scaler/service.ts';
import { startWeb } from '../web/service.ts';

const poll = process.env.SETTINGS_POLL_MS;
const parts = {
  source: openSettingsParameter,
  ...(poll === undefined ? {} : { pollMs: Number(poll) }),
};
const { port } =
  process.argv[2] === 'web'
    ? await runService('web', {}, { ...parts, start: startWeb, overlaps: true })
    : await runService('scaler', {}, { ...parts, start: startScaler, overlaps: false });
process.send?.({ listening: port });
