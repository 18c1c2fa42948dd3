/** `/v1/recognitions/{id}/correct`: who it really is, on an answer that was given. */
import { Router } from 'express';
import type { Results } from '../../cloud/aws/s3/objects.ts';
import type { Face, Match } from '../../cloud/contract/match.ts';
import type { WorkFace, WorkResult } from '../../cloud/contract/people-work.ts';
import type { Recognitions } from '../../cloud/redis/recognitions.ts';
import { allowMethods, noOptions } from '../api/route-rules.ts';
import { idSchema } from '../api/schemas.ts';
import { httpError } from '../errors.ts';
import { enrolOf, personNamed } from './enrol/enrol.ts';
import { enrolmentIds } from './enrol/ids.ts';
import { checkQuality, type EnrolledFace, embeddingOf } from './enrol/rules.ts';
import { peopleError } from './errors.ts';
import { galleryFailure, type LiveGallery, personOf } from './gallery/gallery.ts';
import { type PeopleRoutes, workRequest } from './parts.ts';
import { readJson } from './request/json-body.ts';
import { correctSchema } from './schemas.ts';

/** Two boxes are of the same face from this overlap on. */
const SAME_FACE = 0.5;
const PHOTO = 'The photo';

export interface CorrectParts extends PeopleRoutes {
  readonly recognitions: Pick<Recognitions, 'find' | 'replies' | 'amend'>;
  readonly results: Pick<Results, 'origin'>;
}

type AnsweredFace = Pick<Face, 'box'> & Partial<Face>;

/** The photo of an answer, and what was recognised in it. */
interface Answered {
  readonly photoId: string;
  readonly file: string;
  readonly digest: string;
  /** Undefined where it was too long to be stored: then the box says which face it is. */
  readonly match: Match | undefined;
  /** Whether the answer is kept in Redis, where it is corrected too. */
  readonly isKept: boolean;
}

export function correctRouter(parts: CorrectParts): Router {
  const { gallery, access } = parts;
  const router = Router();

  router.post('/v1/recognitions/:id/correct', noOptions, async (request, response) => {
    const exchange = await parts.open(request, response);
    response.set('Cache-Control', 'no-store');
    const asked = await readJson(correctSchema, request, response);
    const { person, name, nobody, create = false, accept } = asked;
    if ([person, name, nobody].filter((given) => given !== undefined).length !== 1) {
      throw peopleError.noField('Say who it is with person, name or nobody: exactly one of them.');
    }
    const id = idSchema.safeParse(request.params.id?.toLowerCase()).data;
    const holder = access.holderOf(request);
    const answered = id && (await findAnswered(id, holder, asked, parts));
    if (!answered) {
      throw asked.file === undefined ? peopleError.needsFile() : httpError.unknownId();
    }
    const face = faceOf(answered.match, asked.face);
    // A second correction of the same face replaces the first.
    const ids = enrolmentIds(1, `${answered.photoId} ${face.box}`, [holder ?? '', 'correct']);
    if (nobody) {
      await removeFace(ids.faces[0] ?? '', gallery);
      await amend(answered, face, { known: false }, parts);
      const { name: said, person: taken, distance, odds } = face;
      response.json({
        ...(said !== undefined && { mistaken: { person: taken, name: said, distance, odds } }),
        gallery: (await gallery.now()).version,
      });
      return;
    }
    const of: Parameters<typeof enrolOf>[1]['of'] =
      person === undefined
        ? (index) => {
            if (!create && index.byName(name ?? '') === undefined) throw peopleError.unknownName();
            return personNamed({ name: name ?? '', add: true }, ids.person)(index);
          }
        : (index) => personOf(index, person);
    const enrolment = await enrolOf(
      { work: 'embed', kept: { key: answered.file, digest: answered.digest } },
      { of, ids, acceptLowQuality: accept === 'low-quality' },
      (result) => [sameFace(result, face, ids.faces[0] ?? '', accept === 'low-quality')],
      answered.digest,
      await workRequest(exchange),
      parts,
    );
    const { id: right, name: called } = enrolment.person;
    await amend(answered, face, { name: called, person: right, known: true }, parts);
    response.status(201).location(`/v1/people/${right}`).json(enrolment);
  });
  router.all('/v1/recognitions/:id/correct', allowMethods('POST'));
  return router;
}

/** Takes back what an earlier correction of the same face has enrolled. */
async function removeFace(id: string, gallery: LiveGallery): Promise<void> {
  if ((await gallery.now()).face(id) === undefined) return;
  await gallery.change(() => ({ kind: 'remove', ids: [id], words: 'remove 1 face' }));
}

/** A kept answer, or one that was given at once and whose output object still is of that request. */
async function findAnswered(
  id: string,
  holder: string | undefined,
  { photo, file }: { readonly photo: number; readonly file?: string | undefined },
  { recognitions, results }: CorrectParts,
): Promise<Answered | undefined> {
  const unreadable = (cause: unknown): never => {
    throw httpError.resultsUnreadable(cause);
  };
  const found = await recognitions.find(id).catch(unreadable);
  if (found === undefined) {
    if (file === undefined) return undefined;
    const stored = await results.origin(file).catch(unreadable);
    if (stored?.requestId !== id || stored.digest === undefined) return undefined;
    return { photoId: id, file, digest: stored.digest, match: stored.match, isKept: false };
  }
  const record = found.record.holder === holder ? found.record.photos[photo] : undefined;
  if (record?.digest === undefined) return undefined;
  const [reply] = await recognitions.replies([record.id]).catch(unreadable);
  if (reply === undefined || !('match' in reply.outcome)) return undefined;
  const { match } = reply.outcome;
  return { photoId: record.id, file: record.file, digest: record.digest, match, isKept: true };
}

/** @throws {HttpError} 404 where the answer has no such face */
function faceOf(match: Match | undefined, which: number | Face['box']): AnsweredFace {
  if (match === undefined) {
    if (typeof which === 'number') throw peopleError.noBox();
    return { box: which };
  }
  const faces: readonly Face[] = match.faces ?? [match];
  const face =
    typeof which === 'number'
      ? faces[which]
      : faces.find(({ box }) => overlap(box, which) >= SAME_FACE);
  if (face === undefined) throw peopleError.noSuchFace(faces.length);
  return face;
}

/** The face of the answer, as a worker has found it again. */
function sameFace(
  result: WorkResult,
  { box }: AnsweredFace,
  id: string,
  acceptLow: boolean,
): EnrolledFace {
  const [photo] = result.photos;
  if (photo === undefined || 'refused' in photo) {
    throw peopleError.brokenPhoto(PHOTO, photo?.refused.message ?? 'it was not computed.');
  }
  const [face] = [...photo.faces].sort((a, b) => overlap(b.box, box) - overlap(a.box, box));
  if (face === undefined || overlap(face.box, box) < SAME_FACE) throw peopleError.noFace(PHOTO);
  checkQuality(face, PHOTO, acceptLow);
  return { id, face, embedding: embeddingOf(face), photo: 0 };
}

/** Intersection over union. */
function overlap(a: WorkFace['box'], b: WorkFace['box']): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: WorkFace['box']): number => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** A kept answer says from now on what was corrected. */
async function amend(
  { photoId, isKept }: Answered,
  { box }: AnsweredFace,
  said: Pick<Face, 'known'> & Partial<Pick<Face, 'name' | 'person'>>,
  { recognitions }: CorrectParts,
): Promise<void> {
  if (!isKept) return;
  const isFace = (face: Face): boolean => `${face.box}` === `${box}`;
  await recognitions
    .amend(photoId, (match) => ({
      ...match,
      ...(isFace(match) ? said : {}),
      ...(match.faces && {
        faces: match.faces.map((face) => (isFace(face) ? { ...face, ...said } : face)),
      }),
    }))
    .catch(galleryFailure);
}
