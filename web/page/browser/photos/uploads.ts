/** The photos that wait to be sent: few requests at a time, in groups while many wait. */
import { type Answer, POSTS_AT_ONCE, PostError, post, UnreachableError } from '../api.ts';

/** Photos and bytes of one request, well within what the server takes. */
const MOST_TOGETHER = 10;
const MOST_BYTES = 8_000_000;

export interface Timing {
  /** From sending the request to its answer. */
  readonly ms: number;
  /** Photos of the request: with several, the time is that of the slowest. */
  readonly together: number;
}

export interface Upload {
  readonly file: File;
  onSent(): void;
  onAnswer(answer: Answer, timing: Timing): void;
  onFailure(error: PostError): void;
}

/** A photo whose group failed as a whole is sent again by itself. */
interface Waiting {
  readonly upload: Upload;
  readonly isAlone: boolean;
}

let waiting: Waiting[] = [];
let lanes = 0;

export function enqueue(uploads: readonly Upload[]): void {
  waiting.push(...uploads.map((upload) => ({ upload, isAlone: false })));
  openLanes();
}

/** Takes back all that was not sent yet. */
export function takeBack(): readonly Upload[] {
  const back = waiting.map(({ upload }) => upload);
  waiting = [];
  return back;
}

function openLanes(): void {
  while (lanes < Math.min(POSTS_AT_ONCE, waiting.length)) {
    lanes += 1;
    void lane();
  }
}

async function lane(): Promise<void> {
  while (waiting.length > 0) await sendGroup();
  lanes -= 1;
  openLanes();
}

/** Smaller towards the end of the queue, so that all connections end at about the same time. */
function nextGroup(): Waiting[] {
  const most = Math.min(MOST_TOGETHER, Math.ceil(waiting.length / (2 * POSTS_AT_ONCE)));
  let bytes = 0;
  let size = 0;
  for (const { upload, isAlone } of waiting.slice(0, most)) {
    bytes += upload.file.size;
    if (size > 0 && (isAlone || bytes > MOST_BYTES)) break;
    size += 1;
    if (isAlone) break;
  }
  return waiting.splice(0, size);
}

async function sendGroup(): Promise<void> {
  let group: Waiting[] = [];
  let sentAt = 0;
  try {
    const pick = (): File[] => {
      group = nextGroup();
      for (const { upload } of group) upload.onSent();
      sentAt = performance.now();
      return group.map(({ upload }) => upload.file);
    };
    const outcomes = await post(pick, { faces: 'all' });
    const timing = { ms: performance.now() - sentAt, together: group.length };
    for (const [index, outcome] of outcomes.entries()) {
      const { upload } = group[index] as Waiting;
      if (outcome instanceof PostError) upload.onFailure(outcome);
      else upload.onAnswer(outcome, timing);
    }
  } catch (error) {
    await fail(group, error);
  }
}

async function fail(group: readonly Waiting[], error: unknown): Promise<void> {
  let left = group;
  if (error instanceof UnreachableError) {
    const readable = await Promise.all(group.map(({ upload }) => isReadable(upload.file)));
    left = group.filter((_, index) => readable[index]);
    for (const { upload } of group.filter((_, index) => !readable[index])) {
      upload.onFailure(
        new PostError('It was moved, renamed or changed after it was chosen: choose it again.', {
          title: 'The file cannot be read',
          mayPass: false,
        }),
      );
    }
  }
  const mayHelp =
    left.length < group.length ||
    (group.length > 1 && error instanceof PostError && error.isOfRequest && !error.mayPass);
  if (mayHelp) {
    waiting.unshift(...left.map(({ upload }) => ({ upload, isAlone: true })));
    return;
  }
  const told =
    error instanceof PostError
      ? error
      : new PostError(String(error), { mayPass: true, cause: error });
  for (const { upload } of left) upload.onFailure(told);
}

/** Browsers say of both a lost connection and a lost file that the fetch failed. */
async function isReadable(file: File): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}
