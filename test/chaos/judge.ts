/**
 * Compares what happened with what was promised, and looks for secrets in the logs. What is in buckets and
 * queues comes in as an argument.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeadLetter } from '../../cloud/aws/sqs/dead-letters.ts';
import { photoDigest, type RequestMessage } from '../../cloud/contract/messages.ts';
import { stemOf } from '../../cloud/contract/names.ts';
import type { Ledger, Upload } from './ledger.ts';

export interface Output {
  readonly body: string;
  /** When it was last written, in ms of the ledger's clock; S3 tells whole seconds. */
  readonly at: number;
}

export interface Aftermath {
  /** Every output object, by key. */
  readonly outputs: ReadonlyMap<string, Output>;
  readonly letters: readonly DeadLetter[];
  /** When lives of each web node ended (ms of the ledger's clock). */
  readonly webEnds: readonly (readonly number[])[];
}

export interface Verdict {
  readonly right: number;
  readonly refused: number;
  /** Clear errors, by status. */
  readonly errors: Readonly<Record<string, number>>;
  readonly cut: number;
  readonly accepted: number;
  readonly letters: number;
  readonly breaches: readonly string[];
}

/** A cut may be felt this long after the web tier's end. */
const CUT_LAG_MS = 3000;
const CONFLICT = 409;
const TOO_LATE = 504;
/** For a reply to come from the worker to the client, and as S3's times are whole seconds. */
const REPLY_LAG_MS = 3000;

/** What is wrong with what this client was told, in words; undefined when all is well. */
export function faultOf(upload: Upload, isTwin: boolean): string | undefined {
  const { told, expected, file } = upload;
  if (told === undefined || told.kind === 'nothing') return `${file} got no answer in its time`;
  if (told.kind === 'cut') return undefined;
  const { status, text } = told;
  const said = `${status} ${JSON.stringify(text.slice(0, 100))}`;
  if (status === 200) {
    if (expected.kind !== 'name') return `${file} is no face, yet was answered ${said}`;
    const right = `${stemOf(file)}:${expected.name}`;
    return text === right ? undefined : `${file} is ${right}, yet was answered ${said}`;
  }
  if (!/^[^\n]{5,500}[.!]?\n?$/.test(text))
    return `${file} got an error that says nothing: ${said}`;
  if (status >= 500 || expected.kind === 'refusal') return undefined;
  if (status === CONFLICT && isTwin) return undefined;
  return `${file} was refused: ${said}`;
}

export function judge(ledger: Ledger, aftermath: Aftermath): Verdict {
  const { outputs, letters, webEnds } = aftermath;
  const breaches: string[] = [];
  const errors: Record<string, number> = {};
  let right = 0;
  let refused = 0;
  let cut = 0;
  const byFile = Map.groupBy(ledger.uploads, ({ file }) => file);
  for (const upload of ledger.uploads) {
    const twins = byFile.get(upload.file) ?? [];
    const fault = faultOf(upload, twins.length > 1);
    if (fault !== undefined) breaches.push(fault);
    const { told, from, to = Number.POSITIVE_INFINITY } = upload;
    if (told?.kind === 'cut') {
      cut += 1;
      if (
        !webEnds[upload.node]!.some((end) => end >= from - CUT_LAG_MS && end <= to + CUT_LAG_MS)
      ) {
        breaches.push(`${upload.file} was cut off (${told.reason}) with the web tier up`);
      }
    }
    if (told?.kind !== 'answer') continue;
    const output = outputs.get(stemOf(upload.file));
    if (told.status === TOO_LATE && output && output.at + REPLY_LAG_MS < to) {
      breaches.push(`${upload.file} was computed ${lag(output.at, to)} before its ${told.status}`);
    }
    if (told.status === 200) {
      right += fault === undefined ? 1 : 0;
      const stored = output?.body;
      if (!namesOf(twins).includes(stored ?? '')) {
        breaches.push(`${upload.file} was answered, yet its output is ${stored ?? 'not there'}`);
      }
    } else if (told.status < 500) refused += 1;
    else errors[told.status] = (errors[told.status] ?? 0) + 1;
  }
  breaches.push(...vanished(ledger, byFile, outputs, letters));
  for (const key of outputs.keys()) {
    if (!byFile.has(`${key}.jpg`)) breaches.push(`the output ${key} was not asked for`);
  }
  const accepted = ledger.accepted.size;
  return { right, refused, errors, cut, accepted, letters: letters.length, breaches };
}

/** Requests that SQS took and that ended nowhere, or in the wrong place. */
function vanished(
  ledger: Ledger,
  byFile: ReadonlyMap<string, readonly Upload[]>,
  outputs: ReadonlyMap<string, Output>,
  letters: readonly DeadLetter[],
): string[] {
  const letterOf = new Map(letters.map((letter) => [letter.id, letter]));
  const wrong: string[] = [];
  for (const request of ledger.accepted.values()) {
    const twins = byFile.get(request.file) ?? [];
    const upload = uploadOf(request, twins);
    const letter = letterOf.get(request.id);
    if (letter) {
      if (letter.reason === '') wrong.push(`${request.file} is a dead letter without a reason`);
      continue;
    }
    if (upload === undefined) wrong.push(`no client sent ${request.file} as it was taken`);
    else if (upload.expected.kind === 'poison') {
      wrong.push(`${request.file} is poison, yet no dead letter`);
    } else if (upload.expected.kind === 'name') {
      const stored = outputs.get(stemOf(request.file))?.body;
      if (!namesOf(twins).includes(stored ?? '')) {
        wrong.push(`${request.file} was accepted and vanished (request ${request.id})`);
      }
    }
  }
  return wrong;
}

function uploadOf(request: RequestMessage, twins: readonly Upload[]): Upload | undefined {
  return twins.find(({ bytes }) => photoDigest(bytes) === request.digest);
}

/** The output bodies that are right for uploads of one name: whichever came last. */
function namesOf(twins: readonly Upload[]): string[] {
  return twins.flatMap(({ file, expected }) =>
    expected.kind === 'name' ? [`${stemOf(file)}:${expected.name}`] : [],
  );
}

function lag(from: number, to: number): string {
  return `${((to - from) / 1000).toFixed(0)} s`;
}

/**
 * Looks for what may stand in no log.
 * @returns for each log that holds a secret its name and the line, the secret itself masked
 */
export async function leaks(folder: string, secrets: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    for (const secret of secrets) {
      const line = lines.find((one) => one.includes(secret));
      if (line !== undefined) {
        found.push(`${name} holds a secret: ${line.replaceAll(secret, '***').slice(0, 200)}`);
      }
    }
  }
  return found;
}
