/**
 * The child's side of the channel, with any model behind it: reports when it is ready, answers what it
 * is given, in order, and exits with its worker. Knows no model.
 */
import type { ModelInfo } from '../../cloud/contract/messages.ts';
import { ElasticFaceError, messageOf } from '../../runtime/errors.ts';
import {
  type Answer,
  type AnyAnswer,
  type ChildMessage,
  type GalleryFiles,
  isGallery,
  isPhoto,
  type PeopleAnswer,
  type PeopleTask,
  type Photo,
  type Task,
  type Work,
} from './protocol.ts';

export interface Computer {
  /** Shown in logs, e.g. `tensorflow`. */
  readonly backend: string;
  /** Why it computes as it does; logged. */
  readonly reason?: string;
  /** Told with each reply. */
  readonly model?: ModelInfo;
  /** Most photos that it wants at once: more than one only where that is faster for all of them. */
  readonly together: number;
  /** One answer a photo, in their order. Rejects only for what is not a photo's fault. */
  compute(photos: readonly Photo[]): Promise<readonly Answer[]>;
  /** Work of the people API. */
  perform(task: PeopleTask): Promise<PeopleAnswer>;
  /** Replaces the gallery. When it rejects, the one before is still searched. */
  swap(gallery: GalleryFiles): Promise<{ readonly people: number; readonly faces: number }>;
}

/** @param load its typed errors are final: the worker then starts no other process */
export async function serveInference(load: () => Promise<Computer>): Promise<void> {
  // Ctrl-C and systemd's stop reach the whole group, but the worker still needs this process to
  // finish what is in hand; it ends with the channel.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));
  let computer: Computer;
  try {
    computer = await load();
  } catch (error) {
    if (!(error instanceof ElasticFaceError)) throw error;
    process.send?.({ kind: 'unfit', message: error.message } satisfies ChildMessage);
    return;
  }
  // The next work waits here, so that there is no gap; begun at once, it could hold as many large
  // photos in memory as there are in both.
  let turn = Promise.resolve();
  process.on('message', (work: Work) => {
    turn = turn.then(() => answer(computer, work));
  });
  const { backend, reason, together, model } = computer;
  process.send?.({ kind: 'ready', backend, reason, together, model } satisfies ChildMessage);
}

async function answer(computer: Computer, { number, tasks }: Work): Promise<void> {
  const answers = await answersTo(computer, tasks);
  process.send?.({ kind: 'answers', number, answers } satisfies ChildMessage);
}

/** If a batch fails, one photo may be the cause: each is then computed alone. */
async function answersTo(computer: Computer, tasks: readonly Task[]): Promise<AnyAnswer[]> {
  try {
    if (tasks.every(isPhoto)) return [...(await computer.compute(tasks))];
    return await Promise.all(tasks.map((task) => answerAlone(computer, task)));
  } catch (error) {
    if (tasks.length === 1) return [{ failed: messageOf(error) }];
    const answers: AnyAnswer[] = [];
    for (const task of tasks) answers.push(...(await answersTo(computer, [task])));
    return answers;
  }
}

async function answerAlone(computer: Computer, task: Task): Promise<AnyAnswer> {
  if (isPhoto(task)) return (await computer.compute([task]))[0]!;
  if (!isGallery(task)) return computer.perform(task);
  try {
    return { swapped: await computer.swap(task) };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}
