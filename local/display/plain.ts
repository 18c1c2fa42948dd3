/** What is shown of a stack, and the display that prints it as plain lines, which scripts can read. */
import { withoutCredentials } from '../../runtime/credentials.ts';
import { isPackaged } from '../../runtime/installation.ts';
import type { Settings } from '../../runtime/settings.ts';
import { displayName, type Instance } from '../ec2/fleet/instance.ts';
import type { Part, Stack } from '../stack.ts';

export interface Display {
  /** A line that stays. */
  say(line: string): void;
  /** What making the model does just now. */
  modelSays(line: string): void;
  partReady(part: Part): void;
  instanceChanged(instance: Instance): void;
  ready(stack: Stack, settings: Settings): void;
  /** Lines that are said later are plain. */
  end(): void;
}

export function plainDisplay(say: (line: string) => void): Display {
  return {
    say,
    modelSays: say,
    partReady: () => undefined,
    instanceChanged: (instance) => say(instanceLine(instance)),
    ready: (stack, settings) => say(readyText(stack, settings)),
    end: () => undefined,
  };
}

export function instanceLine(instance: Instance): string {
  const why = instance.state === 'terminated' ? unexpectedEnd(instance) : undefined;
  return `${displayName(instance)} ${instance.id} is ${instance.state}${why === undefined ? '' : ` (${why})`}`;
}

/** Why an instance ended that was not terminated by request. */
export function unexpectedEnd({ stateReason }: Instance): string | undefined {
  if (stateReason === undefined || stateReason.code === 'Client.UserInitiatedShutdown') return;
  return stateReason.message;
}

export function tryLine(webUrl: string): string {
  const photo = isPackaged ? 'npx elastic-face photo' : 'npm run -s photo';
  return `curl -F "inputFile=@$(${photo})" ${webUrl}/`;
}

export function redisWords({ kind, url }: Stack['redis']): string {
  return kind === 'memory' ? 'in memory: install redis-server to keep it' : withoutCredentials(url);
}

function readyText(stack: Stack, settings: Settings): string {
  return [
    `Ready: ${stack.webUrl}  (up to ${settings.MAX_INSTANCES} instances)`,
    `  try      ${tryLine(stack.webUrl)}`,
    `  AWS      AWS_ENDPOINT_URL=${stack.cloudUrl}  (SQS, S3, EC2; project id ${settings.PROJECT_ID})`,
    `  scaler   ${stack.scalerUrl}`,
    `  Redis    ${redisWords(stack.redis)}`,
    `  logs     ${stack.logFolder}`,
    '  Ctrl-C stops everything.',
  ].join('\n');
}
