/** Posts photos to the API and reads its answers, a few requests at a time. */
import { askForKey, keyHeaders } from './key.ts';

/** A browser opens six connections to a server at most, and the live view holds one. */
export const POSTS_AT_ONCE = 5;

export interface Face {
  readonly name: string;
  readonly distance: number;
  /** x1, y1, x2, y2, in pixels of the upright photo; parts of it may lie outside the photo. */
  readonly box: readonly [number, number, number, number];
  readonly probability: number;
  readonly landmarks: readonly (readonly [number, number])[];
  readonly nearest: readonly { readonly name: string; readonly distance: number }[];
  /** Whether the nearest person is near enough to be the one in the photo. */
  readonly known?: boolean;
  /** 1 in this many strangers would be as near to anybody in the gallery. */
  readonly odds?: number;
  /** A sentence for everything that makes the face hard to recognise. */
  readonly quality?: { readonly reasons: readonly string[] };
}

export interface Answer {
  /** Largest first. */
  readonly faces: readonly Face[];
  readonly width: number;
  readonly height: number;
  /** Degrees clockwise that the photo was turned to find its faces; the boxes are of the photo as it is shown. */
  readonly turned?: number;
  /** ms of each step; missing when the answer of an earlier try was sent again. */
  readonly timings?: Readonly<Record<string, number>>;
  readonly instance?: string;
  /** Of the photo, and the name it is stored under: both are needed to correct the answer. */
  readonly id?: string;
  readonly file?: string;
}

/** Problem details (RFC 9457). */
interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
}

/** One photo of `/v1/recognitions`. */
type PhotoAnswer =
  | ({
      readonly status: 'done';
      readonly match: Face & Omit<Answer, 'faces'> & { readonly faces?: readonly Face[] };
    } & Pick<Answer, 'timings' | 'instance' | 'id' | 'file'>)
  | { readonly status: 'failed'; readonly problem: Problem };

export interface PostErrorOptions extends ErrorOptions {
  readonly title?: string | undefined;
  /** Last part of the problem's type, such as `low-quality`. */
  readonly code?: string | undefined;
  /** Whether the same photo may succeed later. */
  readonly mayPass: boolean;
  /** Whether this is about the whole request, so that its photos may succeed one by one. */
  readonly isOfRequest?: boolean;
}

/** Why a photo has no answer, in words for a person. */
export class PostError extends Error {
  readonly title: string;
  readonly code: string | undefined;
  readonly mayPass: boolean;
  readonly isOfRequest: boolean;

  constructor(message: string, options: PostErrorOptions) {
    super(message, options);
    this.code = options.code;
    this.title = options.title ?? 'Upload failed';
    this.mayPass = options.mayPass;
    this.isOfRequest = options.isOfRequest ?? false;
  }
}

/** No answer came at all: the connection failed, or a file could not be read. */
export class UnreachableError extends PostError {}

/** What became of each photo, in the order they were given. */
export type Outcome = Answer | PostError;

let free = POSTS_AT_ONCE;
const queue: (() => void)[] = [];

export interface PostOptions {
  readonly faces: 'all' | 'largest';
  readonly signal?: AbortSignal;
}

/**
 * Waits for a free connection, then posts.
 * @param pick the photos to send, chosen when the connection is free; ten at most
 * @throws {PostError} when the request as a whole failed
 */
export async function post(
  pick: () => readonly File[],
  options: PostOptions,
): Promise<readonly Outcome[]> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => queue.push(resolve));
  try {
    options.signal?.throwIfAborted();
    const files = pick();
    return files.length === 0 ? [] : await recognise(files, options);
  } finally {
    const next = queue.shift();
    if (next) next();
    else free += 1;
  }
}

async function recognise(
  files: readonly File[],
  options: PostOptions,
): Promise<readonly Outcome[]> {
  for (;;) {
    const response = await send(files, options);
    if (response.status !== 401) {
      const { photos } = (await read(response)) as { photos: readonly PhotoAnswer[] };
      return files.map((_, index) => outcomeOf(photos[index]));
    }
    await askForKey();
  }
}

function outcomeOf(photo: PhotoAnswer | undefined): Outcome {
  if (photo === undefined) return new PostError('The photo was not answered.', { mayPass: true });
  if (photo.status === 'failed') return errorOf(photo.problem, photo.problem.status ?? 500, false);
  const { match, timings, instance, id, file } = photo;
  return {
    faces: match.faces ?? [match],
    width: match.width,
    height: match.height,
    ...(match.turned !== undefined && { turned: match.turned }),
    ...(timings && { timings }),
    ...(instance !== undefined && { instance }),
    ...(id !== undefined && { id }),
    ...(file !== undefined && { file }),
  };
}

function send(files: readonly File[], { faces, signal }: PostOptions): Promise<Response> {
  const body = new FormData();
  for (const file of files) body.append('inputFile', file, nameToSend(file.name));
  const headers = { Accept: 'application/json', ...keyHeaders() };
  const init = { method: 'POST', body, headers, signal: signal ?? null };
  return fetch(`v1/recognitions?faces=${faces}`, init).catch((cause) => {
    signal?.throwIfAborted();
    throw new UnreachableError('The server cannot be reached.', { mayPass: true, cause });
  });
}

/** @throws {PostError} with the server's own words, where it has any */
export async function read(response: Response): Promise<unknown> {
  const { status, ok } = response;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    const options = { mayPass: status >= 500, isOfRequest: true, cause };
    throw new PostError(wordsFor(status), options);
  }
  if (ok) return body;
  throw errorOf((body ?? {}) as Problem, status, true);
}

/** For answers that are not the service's own: a proxy's, usually. */
function wordsFor(status: number): string {
  if (status === 413) return 'A proxy before the server does not take photos of this size (413).';
  if (status >= 500) return `The server does not answer at the moment (${status}).`;
  return `The server answered ${status}, not in JSON.`;
}

const HEIC_HINT =
  'On an iPhone, "Choose photos" converts it to JPEG; Settings > Camera > Formats > Most Compatible takes new photos as JPEG.';

function errorOf(problem: Problem, status: number, isOfRequest: boolean): PostError {
  const { type = '', title, detail } = problem;
  const words = detail ?? title ?? `The server answered ${status}.`;
  const hint = type.endsWith('/heic') ? ` ${HEIC_HINT}` : '';
  const isForGood = type.endsWith('/unanswerable');
  const mayPass = !isForGood && ([408, 409, 429].includes(status) || status >= 500);
  const code = type.split('/').at(-1);
  return new PostError(words + hint, { title, code, mayPass, isOfRequest });
}

/** Characters that the server refuses in a file name: they break its `file:person` line or turn its letters. */
const REFUSED = /[:/\\\p{Cc}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u202a-\u202e\u2066-\u2069]/gu;
/** Only an ending, such as `.jpg`. */
const NAMELESS = /^[.\s]*(?:\.[^.]*)?$/;

/** The file's own name, with `-` in place of the few characters that the server refuses. */
export function nameToSend(name: string): string {
  const taken = name.replace(REFUSED, '-');
  return NAMELESS.test(taken) ? `photo${taken.trim()}` : taken;
}
