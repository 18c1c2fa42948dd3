/** `/v1/recognitions`: several photos in one request, answered at once or later. */
import { type Request, type Response, Router } from 'express';
import { ownFileName } from '../../cloud/contract/file-names.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Access } from '../access.ts';
import { httpError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { HttpError } from '../http-error.ts';
import type { Submit } from '../recognize/recognition.ts';
import type { Admission } from '../upload/admission.ts';
import { checkHeadOfSeveral, formReader } from '../upload/form-reader.ts';
import { type CheckedPhoto, checkPhoto, named, type RawPhoto } from '../upload/photo.ts';
import { type Arrived, type Batch, sendNow } from './batch.ts';
import { type DeferredNow, type DeferredParts, findDeferred, sendLater } from './deferred.ts';
import { type ResultUpdates, sharedReads } from './result-updates.ts';
import { allowMethods, readOptions } from './route-rules.ts';
import { askOf, idSchema, MOST_PHOTOS, optionsSchema, waitSchema } from './schemas.ts';

export interface RecognitionRoutes extends DeferredParts {
  readonly submit: Submit;
  readonly admission: Admission;
  readonly access: Access;
  readonly isStopping: () => boolean;
  /** Gives the request an id, and records its end in metrics and traces. */
  readonly begin: (request: Request, response: Response) => Exchange;
  /** The same for a request with photos: also checks its key and the limits, and counts it until its end. */
  readonly open: (request: Request, response: Response) => Promise<Exchange>;
  /** @throws {HttpError} 409 for a gallery version that is not written yet */
  readonly requireVersion: (version: number | undefined) => Promise<void>;
  readonly maxUploadMb: number;
  readonly updates: ResultUpdates;
  /** Limit for all photos of one request together. */
  readonly maxUploadsMb: number;
  readonly log: Logger;
}

/** Added to a wait for the time limit, so that the limit has passed when it ends. */
const LATE_MS = 10;

export function recognitionRoutes(parts: RecognitionRoutes): Router {
  const { access, admission, log } = parts;
  const readForm = formReader(parts.maxUploadMb, MOST_PHOTOS);

  /**
   * Reads and checks the photos, and passes them to `send`, which resolves when their bytes can be freed.
   * @param isLater whether the client asks for the result later; if no photo is accepted, it gets it now
   */
  const take = async <T>(
    request: Request,
    response: Response,
    { left, firstId, settleId, newId, span, outcomes }: Exchange,
    isLater: boolean,
    send: (batch: Batch, isKept: boolean) => Promise<T>,
  ): Promise<T> => {
    const query = readOptions(optionsSchema, request.query);
    const room = await admission.reserve(checkHeadOfSeveral(request, parts.maxUploadsMb), left);
    try {
      const { photos, fields } = await readForm(request, response, room);
      room.arrived();
      const options = { ...readOptions(optionsSchema, { ...fields }), ...query };
      await parts.requireVersion(options.gallery);
      await access.countMore(request, photos.length - 1);
      const judged = await Promise.all(photos.map(judge));
      const isRefused = (photo: Judged): boolean => photo.checked instanceof Error;
      // Nothing is written to Redis for a request without an accepted photo.
      const isAllRefused = judged.every(isRefused);
      const isKept = isLater && !isAllRefused;
      const id = isAllRefused ? firstId : await settleId(isKept);
      const arrived = await Promise.all(
        judged.map(async (photo, index) =>
          arrivedAs(photo, index === 0 ? id : await newId(isKept && !isRefused(photo))),
        ),
      );
      return await send({ id, ask: askOf(options), photos: arrived, span, outcomes }, isKept);
    } finally {
      room.release();
    }
  };

  const sharedRead = sharedReads<DeferredNow>();
  const router = Router();
  router.post('/v1/recognitions', async (request, response) => {
    const exchange = await parts.open(request, response);
    response.set('Cache-Control', 'no-store');
    const { left, start } = exchange;
    const isLater = wantsLater(request);
    const holder = access.holderOf(request);
    const answer = await take(request, response, exchange, isLater, async (batch, isKept) => {
      if (!isKept) return sendNow(batch, parts.submit, left);
      const recognition = await sendLater(batch, holder, parts);
      response.status(202).location(`/v1/recognitions/${recognition.id}`);
      response.set('Preference-Applied', 'respond-async');
      return async () => recognition;
    });
    response.json(await answer());
    const ms = Math.round(performance.now() - start);
    log.info({ request: response.getHeader('X-Request-Id'), later: isLater, ms }, 'Answered');
  });
  router.all('/v1/recognitions', allowMethods('POST'));

  router.get('/v1/recognitions/:id', async (request, response) => {
    const { left } = parts.begin(request, response);
    const holder = access.holderOf(request);
    const { wait = 0 } = readOptions(waitSchema, request.query);
    const id = idSchema.safeParse(request.params.id.toLowerCase()).data;
    if (id === undefined) throw httpError.unknownId();
    response.on('close', admission.enter());
    response.set('Cache-Control', 'no-store');
    const until = performance.now() + wait * 1000;
    const read = (): Promise<DeferredNow> =>
      sharedRead(`${id} ${holder ?? ''}`, () => findDeferred(id, holder, parts));
    let { recognition, lateInMs } = await read();
    while (recognition.status === 'pending') {
      const ms = Math.min(until - performance.now(), lateInMs + LATE_MS);
      if (ms <= 0 || left.aborted || parts.isStopping()) break;
      const pending = recognition.photos.filter(({ status }) => status === 'pending');
      const update = parts.updates.waitFor(
        pending.map((photo) => photo.id),
        ms,
      );
      left.addEventListener('abort', update.end);
      try {
        // Finds results that were stored before the wait began.
        ({ recognition, lateInMs } = await read());
        if (recognition.status === 'pending') await update.changed;
      } finally {
        left.removeEventListener('abort', update.end);
        update.end();
      }
      if (performance.now() >= until) ({ recognition } = await read());
    }
    response.json(recognition);
  });
  router.all('/v1/recognitions/:id', allowMethods('GET, HEAD'));
  return router;
}

interface Judged extends Pick<RawPhoto, 'file'> {
  readonly checked: CheckedPhoto | HttpError;
}

async function judge(photo: RawPhoto): Promise<Judged> {
  const { file } = photo;
  try {
    return { file, checked: await checkPhoto(photo) };
  } catch (error) {
    if (error instanceof HttpError) return { file, checked: error };
    throw error;
  }
}

function arrivedAs({ file, checked }: Judged, id: string): Arrived {
  if (checked instanceof Error) return { id, file: file ?? ownFileName(id), checked };
  const upload = named(checked, id);
  return { id, file: upload.file, checked: upload };
}

/** RFC 7240; other preferences are ignored. */
function wantsLater(request: Request): boolean {
  return /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/i.test(request.get('Prefer') ?? '');
}
