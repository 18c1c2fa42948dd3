/** What is shown of a stack: as plain lines, which scripts can read, and as a few lines that fit a terminal. Pure. */

import { stripVTControlCharacters } from 'node:util';
import { withoutCredentials } from '../../runtime/credentials.ts';
import { isPackaged } from '../../runtime/installation.ts';
import type { Settings } from '../../runtime/settings.ts';
import { displayName, type Instance } from '../ec2/fleet/instance.ts';
import { type Part, parts, type Stack } from '../stack.ts';
import type { Look } from './look.ts';

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

function tryLine(webUrl: string): string {
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

export interface View {
  readonly ready: ReadonlySet<Part>;
  /** What is done just now while it starts. */
  readonly doing?: string | undefined;
  readonly stack?: { readonly webUrl: string; readonly maxInstances: number } | undefined;
  readonly look?: Look | undefined;
}

export type Paint = (format: 'green' | 'dim' | 'bold', text: string) => string;

const LABEL = 8;
/** In a line as wide as the terminal the cursor would stand on the next one. */
const MARGIN = 1;

export function viewLines(view: View, columns: number, paint: Paint): string[] {
  const room = Math.max(1, columns - MARGIN);
  const line = (label: string, text: string): string =>
    `${paint('dim', fit(label.padEnd(LABEL), room))}${fit(text, Math.max(0, room - LABEL))}`;
  return [
    ...partLines(view.ready, room, paint),
    ...(view.doing === undefined ? [] : [line('doing', view.doing)]),
    ...(view.stack === undefined ? [] : stackLines(view.stack, view.look, room, line, paint)),
    fit(view.stack ? 'Ctrl-C stops everything.' : 'Starting. Ctrl-C stops it.', room),
  ];
}

type Line = (label: string, text: string) => string;

function stackLines(
  { webUrl, maxInstances }: NonNullable<View['stack']>,
  look: Look | undefined,
  room: number,
  line: Line,
  paint: Paint,
): string[] {
  return [
    line('open', webUrl),
    ...tryLines(webUrl, room, line, paint),
    line('fleet', fleetWords(look, maxInstances)),
    line('work', workWords(look)),
    line('last', decisionWords(look)),
  ];
}

/** E.g. `✓ cloud  ✓ model  · redis`, on as many lines as it takes. */
function partLines(ready: ReadonlySet<Part>, room: number, paint: Paint): string[] {
  const lines: string[] = [];
  let width = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const words = fit(`${ready.has(part) ? '✓' : '·'} ${part}`, room);
    const shown = ready.has(part)
      ? `${paint('green', words.slice(0, 1))}${words.slice(1)}`
      : paint('dim', words);
    if (width + 2 + words.length > room) {
      lines.push(shown);
      width = words.length;
    } else {
      lines.push(`${lines.pop()}  ${shown}`);
      width += 2 + words.length;
    }
  }
  return lines;
}

/** A command is no use cut short: where it does not fit, the shell's own way to break it. */
function tryLines(webUrl: string, room: number, line: Line, paint: Paint): string[] {
  const words = tryLine(webUrl);
  if (words.length + LABEL <= room) return [line('try', words)];
  const at = words.lastIndexOf(' ');
  return [`${words.slice(0, at)} \\`, `  ${words.slice(at + 1)}`].map((part) =>
    paint('bold', fit(part, room)),
  );
}

function fleetWords(look: Look | undefined, maxInstances: number): string {
  const instances = look?.scaler?.now?.instances;
  if (instances === undefined) return 'not known yet';
  const counts = new Map<string, number>();
  for (const { state, does } of instances) {
    // What a running one does tells more than that it runs.
    const word = state === 'running' ? (does ?? 'booting') : state;
    if (word !== 'terminated') counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const alive = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const states = [...counts].sort().map(([word, count]) => `${count} ${word}`);
  return [`${alive} of up to ${maxInstances}`, ...states].join('  ');
}

function workWords(look: Look | undefined): string {
  const { waiting, inWork } = look?.scaler?.now?.figures ?? {};
  const rate = look?.photosPerSecond;
  return [
    `${waiting ?? '?'} waiting`,
    `${inWork ?? '?'} in work`,
    ...(rate === undefined ? [] : [`${rate.toFixed(1)} photos/s`]),
  ].join('  ');
}

function decisionWords(look: Look | undefined): string {
  const last = look?.scaler?.decisions[0];
  const action = last?.actions[0];
  if (last === undefined || action === undefined) return 'nothing was decided yet';
  const at = new Date(last.at).toTimeString().slice(0, 8);
  const more = last.actions.length > 1 ? ` and ${last.actions.length - 1} more` : '';
  return `${at}  ${action.kind} ${action.on}${more}: ${action.reason}`;
}

/** One line of at most this many columns, without control characters. */
export function fit(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text).replace(/\p{Cc}/gu, ' ');
  const letters = [...plain];
  if (letters.length <= columns) return plain;
  return columns < 1 ? '' : `${letters.slice(0, columns - 1).join('')}…`;
}
