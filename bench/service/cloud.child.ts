/**
 * The local cloud alone, as a process, for the design in Python: the same code and a process of its own,
 * as it is under `npm start`, and without this project's services. Arguments: data folder, project id.
 */
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { provision } from '../../cloud/aws/provision.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { createLogger } from '../../runtime/log.ts';
import { readSettings } from '../../runtime/settings.ts';

const [dataDir = '', PROJECT_ID] = process.argv.slice(2);
const settings = readSettings({ PROJECT_ID }, {});
const cloud = await startLocalCloud({
  port: 0,
  dataDir,
  region: settings.AWS_REGION,
  log: createLogger('bench-cloud', 'warn'),
  launcher: () => () => Promise.reject(new Error('This cloud has no machines.')),
});
const clients = createAwsClients({ ...settings, AWS_ENDPOINT_URL: cloud.url });
await provision(clients, settings);
clients.destroy();
process.on('disconnect', () => process.exit(0));
process.send?.({ url: cloud.url });
