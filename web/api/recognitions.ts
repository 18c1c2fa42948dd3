/** `/v1/recognitions`: several photos in one request, answered on its connection or kept for later. */
import { type Request, type Response, Router } from 'express';
import { ownFileName } from '../../cloud/contract/file-names.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Access } from '../access.ts';
import { httpError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { HttpError } from '../http-error.ts';
import type { Submit } from '../recognize/recognition.ts';
import type { Admission } from '../upload/admission.ts';
import {
  type CheckedPhoto,
  checkHeadOfSeveral,
  checkPhoto,
  formReader,
  named,
  type RawPhoto,
} from '../upload/upload.ts';
import { type Arrived, type Batch, sendNow } from './batch.ts';
import { findKept, type KeptNow, type KeptParts, sendLater } from './kept.ts';
import { type KeptNews, sharedLooks } from './kept-news.ts';
import { only } from './only.ts';
import { readOptions } from './options.ts';
import { askOf, idSchema, MOST_PHOTOS, optionsSchema, waitSchema } from './schemas.ts';

export interface RecognitionRoutes extends KeptParts {
  readonly submit: Submit;
  readonly admission: Admission;
  readonly access: Access;
  readonly isStopping: () => boolean;
  /** Gives it an id, and tells metrics and traces of its end. */
  readonly begin: (request: Request, response: Response) => Exchange;
  /** The same for one that brings photos: rejects for whoever may not, and counts who may until the end. */
  readonly open: (request: Request, response: Response) => Promise<Exchange>;
  readonly maxUploadMb: number;
  readonly news: KeptNews;
  /** Of all photos of one request. */
  readonly maxUploadsMb: number;
  readonly log: Logger;
}

/** A photo is too late a moment after its time, not at it. */
const LATE_MS = 10;

export function recognitionRoutes(parts: RecognitionRoutes): Router {
  const { access, admission, log } = parts;
  const readForm = formReader(parts.maxUploadMb, MOST_PHOTOS);

  /**
   * Gives the photos to `send`, which has let go of their bytes when it resolves.
   * @param isLater whether the answer is asked for later; where no photo can be taken in, it is known now
   */
  const take = async <T>(
    request: Request,
    response: Response,
    { left, firstId, settleId, newId, span, outcomes }: Exchange,
    isLater: boolean,
    send: (batch: Batch, isKept: boolean) => Promise<T>,
  ): Promise<T> => {
    const query = readOptions(optionsSchema, request.query);
    const room = await admission.room(checkHeadOfSeveral(request, parts.maxUploadsMb), left);
    try {
      const { photos, fields } = await readForm(request, response, room);
      room.arrived();
      const options = { ...readOptions(optionsSchema, { ...fields }), ...query };
      await access.countMore(request, photos.length - 1);
      const judged = await Promise.all(photos.map(judge));
      const isRefused = (photo: Judged): boolean => photo.checked instanceof Error;
      // Redis remembers nothing of a request of which nothing is taken in.
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

  const looks = sharedLooks<KeptNow>();
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
    log.info({ request: response.getHeader('X-Request-Id'), later: isLater, ms }, 'answered');
  });
  router.all('/v1/recognitions', only('POST'));

  router.get('/v1/recognitions/:id', async (request, response) => {
    const { left } = parts.begin(request, response);
    const holder = access.holderOf(request);
    const { wait = 0 } = readOptions(waitSchema, request.query);
    const id = idSchema.safeParse(request.params.id.toLowerCase()).data;
    if (id === undefined) throw httpError.unknownId();
    response.on('close', admission.enter());
    response.set('Cache-Control', 'no-store');
    const until = performance.now() + wait * 1000;
    const look = (): Promise<KeptNow> =>
      looks(`${id} ${holder ?? ''}`, () => findKept(id, holder, parts));
    let { recognition, lateInMs } = await look();
    while (recognition.status === 'pending') {
      const ms = Math.min(until - performance.now(), lateInMs + LATE_MS);
      if (ms <= 0 || left.aborted || parts.isStopping()) break;
      const pending = recognition.photos.filter(({ status }) => status === 'pending');
      const news = parts.news.of(
        pending.map((photo) => photo.id),
        ms,
      );
      left.addEventListener('abort', news.end);
      try {
        // What was kept before the news began is found by this look.
        ({ recognition, lateInMs } = await look());
        if (recognition.status === 'pending') await news.told;
      } finally {
        left.removeEventListener('abort', news.end);
        news.end();
      }
      if (performance.now() >= until) ({ recognition } = await look());
    }
    response.json(recognition);
  });
  router.all('/v1/recognitions/:id', only('GET, HEAD'));
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

/** RFC 7240; other preferences are passed over. */
function wantsLater(request: Request): boolean {
  return /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/i.test(request.get('Prefer') ?? '');
}
