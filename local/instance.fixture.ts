/** What test instances run: does what the instance's own user data says, and nothing else. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const endpoint = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
const token = await fetch(`${endpoint}/latest/api/token`, {
  method: 'PUT',
  headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
}).then((response) => response.text());
const answer = await fetch(`${endpoint}/latest/user-data`, {
  headers: { 'X-aws-ec2-metadata-token': token },
});
const userData = answer.ok ? await answer.text() : '';
const wish = (name: string): string | undefined =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(userData)?.[1];

const alive = setInterval(() => undefined, 1000);
if (wish('STUBBORN')) process.on('SIGTERM', () => undefined);
const grandchild = wish('GRANDCHILD')
  ? spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' }).pid
  : undefined;
const report = wish('REPORT');
if (report) {
  writeFileSync(
    report,
    JSON.stringify({ pid: process.pid, grandchild, environment: process.env, userData }),
  );
}
console.error(JSON.stringify({ said: 'started' }));
if (wish('LEAVE')) {
  clearInterval(alive);
  process.exit(0);
}
