/**
 * People who come, are corrected and are forgotten while a run breaks the system, and searches for them. A change
 * is sent again until it is answered. Their embeddings are far from every photo of the run, so that no upload is
 * answered with one of them.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { changedSchema, receiptSchema } from '../../../people/api.ts';
import { headerLine, personLine } from '../../../people/exchange.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { seededChance } from '../faults/faults.ts';
import { directionOf, whoseEmbeddings } from './made-embeddings.ts';
import { type Answer, answered, call, faultOfReceipt, leftOf } from './people-calls.ts';
import {
  type Found,
  faultOfChange,
  faultOfFound,
  faultOfLeft,
  nameOf,
  type Subject,
} from './people-ledger.ts';

export interface PeopleLoadOptions {
  /** One for each web node. */
  readonly urls: readonly string[];
  readonly seed: number;
  /** Whether workers can search; else only the web tier is asked. */
  readonly searches: boolean;
  /** No more changes are begun when it is aborted; each that was begun is finished. */
  readonly signal: AbortSignal;
  /** Told at once of a promise that was broken. */
  readonly onBreach: (words: string) => void;
}

export interface PeopleCounts {
  readonly enrolled: number;
  readonly corrected: number;
  readonly forgotten: number;
  /** Answers that were lost or were clear errors, after which the change was sent again. */
  readonly repeated: number;
  readonly searches: number;
}

export interface PeopleLoad {
  readonly counts: PeopleCounts;
  /** Web nodes that have a change in hand now, by their index, the newest last. */
  readonly changing: readonly number[];
  /** Resolves when every change was answered. */
  readonly done: Promise<void>;
  /** Compares everybody with what was answered; after the run. @returns each broken promise in words */
  judge(): Promise<string[]>;
}

/** People at the same time. */
const LANES = 4;
/** Between two changes of one person; with searches, two changes a second in all. */
const PAUSE_MS = 2000;
const MOST_CORRECTIONS = 5;

const importedSchema = z.object({ gallery: z.int() });
const searchedSchema = z.object({
  gallery: z.int(),
  nearest: z.array(z.object({ person: z.string().optional(), name: z.string() })),
});

export function startPeopleLoad(options: PeopleLoadOptions): PeopleLoad {
  const { urls, signal, onBreach } = options;
  const chance = seededChance(options.seed);
  const subjects: Subject[] = [];
  const breaches: string[] = [];
  const changing: number[] = [];
  const counts = { enrolled: 0, corrected: 0, forgotten: 0, repeated: 0, searches: 0 };
  const breach = (words: string | undefined): void => {
    if (words === undefined) return;
    breaches.push(words);
    onBreach(words);
  };

  const onRepeat = (): void => {
    counts.repeated += 1;
  };
  const change = async (
    subject: Subject,
    isForgotten: boolean,
    send: (url: string) => Promise<Answer>,
    versionIn: (body: unknown) => number,
  ): Promise<void> => {
    const { counter } = subject.sent;
    const answer = await answered(
      () => {
        const node = Math.floor(chance() * urls.length);
        changing.push(node);
        return send(urls[node]!).finally(() => changing.splice(changing.indexOf(node), 1));
      },
      { onRepeat },
    );
    if (answer === undefined) {
      breach(`${subject.base}: change ${counter} was never answered`);
      return;
    }
    const { status, body, tries } = answer;
    // An earlier try has done it, and its node died before it wrote the receipt.
    if (isForgotten && status === 404 && tries > 1) {
      subject.done.push({ counter, isForgotten, version: Number.POSITIVE_INFINITY });
      return;
    }
    if (status >= 300) {
      breach(`${subject.base}: change ${counter} was refused: ${status} ${JSON.stringify(body)}`);
      return;
    }
    const version = versionIn(body);
    breach(faultOfChange(subject, version));
    subject.done.push({ counter, isForgotten, version });
  };
  const enrol = async (subject: Subject, encoder: string): Promise<void> => {
    const { id, embedding } = subject;
    const face = { id: randomUUID(), person: id, embedding };
    const person = { id, name: nameOf(subject, 0), metadata: { counter: 0 } };
    const lines = headerLine({ encoder, length: embedding.length }) + personLine(person, [face]);
    await change(
      subject,
      false,
      (url) => call(url, 'POST', 'v1/people/import', lines, 'application/jsonl'),
      (body) => importedSchema.parse(body).gallery,
    );
    counts.enrolled += 1;
  };
  const correct = async (subject: Subject): Promise<void> => {
    const counter = subject.sent.counter + 1;
    subject.sent = { counter, isForgotten: false };
    const body = JSON.stringify({ name: nameOf(subject, counter), metadata: { counter } });
    await change(
      subject,
      false,
      (url) => call(url, 'PATCH', `v1/people/${subject.id}`, body),
      (answer) => changedSchema.parse(answer).gallery,
    );
    counts.corrected += 1;
  };
  const forget = async (subject: Subject): Promise<void> => {
    subject.sent = { counter: subject.sent.counter + 1, isForgotten: true };
    await change(
      subject,
      true,
      (url) => call(url, 'DELETE', `v1/people/${subject.id}`),
      (answer) => {
        const { id, gallery } = receiptSchema.parse(answer);
        subject.receipt = id;
        return gallery;
      },
    );
    counts.forgotten += 1;
  };
  const pause = (): Promise<unknown> =>
    delay((0.5 + chance()) * PAUSE_MS, undefined, { signal }).catch(() => undefined);

  const lane = async (number: number): Promise<void> => {
    const { encoder, length } = await whoseEmbeddings(urls[0]!, options.searches, signal);
    for (let story = 1; !signal.aborted; story++) {
      const subject: Subject = {
        id: randomUUID(),
        base: `Chaos person ${number}.${story}`,
        embedding: directionOf(length, chance),
        done: [],
        sent: { counter: 0, isForgotten: false },
      };
      subjects.push(subject);
      await enrol(subject, encoder);
      const corrections = Math.ceil(chance() * MOST_CORRECTIONS);
      for (let at = 0; at < corrections && !signal.aborted; at++) {
        await pause();
        await correct(subject);
      }
      await pause();
      if (signal.aborted) return; // Some are there in the end.
      await forget(subject);
    }
  };
  const search = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause();
      const subject = subjects[Math.floor(chance() * subjects.length)];
      if (subject === undefined) continue;
      const embedding = Buffer.from(subject.embedding.buffer).toString('base64');
      const body = JSON.stringify({ embedding, top: 1 });
      const url = urls[Math.floor(chance() * urls.length)]!;
      const answer = await answered(() => call(url, 'POST', 'v1/searches', body), {
        isWanted: () => !signal.aborted,
        onRepeat,
      });
      if (answer?.status !== 200) continue;
      counts.searches += 1;
      const { gallery, nearest } = searchedSchema.parse(answer.body);
      found.push({ subject, gallery, id: nearest[0]?.person, name: nearest[0]?.name });
    }
  };
  const found: Found[] = [];
  const running = [
    ...Array.from({ length: LANES }, (_, number) => lane(number + 1)),
    ...(options.searches ? [search()] : []),
  ];
  return {
    counts,
    changing,
    done: Promise.all(running).then(
      () => undefined,
      (error: unknown) => breach(`the people could not be changed: ${messageOf(error)}`),
    ),
    async judge() {
      for (const one of found) breach(faultOfFound(one));
      for (const subject of subjects) breach(faultOfLeft(subject, await leftOf(subject, urls[0]!)));
      for (const subject of subjects) breach(await faultOfReceipt(subject, urls[0]!));
      return breaches;
    },
  };
}
