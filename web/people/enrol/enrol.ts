/** Enrols a person, or more faces of one: photos to a worker, its faces judged, and the gallery changed. */
import { photoDigest } from '../../../cloud/contract/messages.ts';
import type { WorkResult } from '../../../cloud/contract/people-work.ts';
import type { Enrolment, PersonDetails } from '../../../people/api.ts';
import type { Change, FaceRecord, GalleryIndex, PersonRecord } from '../../../people/records.ts';
import type { CheckedPhoto } from '../../upload/photo.ts';
import { peopleError } from '../errors.ts';
import { isExpired, type LiveGallery } from '../gallery/gallery.ts';
import { faceView, personView } from '../gallery/view.ts';
import type { SubmitWork, WorkInputs, WorkRequest } from '../work/work.ts';
import type { EnrolmentIds } from './ids.ts';
import type { KeptPhotos } from './kept-photos.ts';
import { doubtsOf, type EnrolledFace, facesToEnrol } from './rules.ts';

export interface EnrolParts {
  readonly gallery: LiveGallery;
  readonly submit: SubmitWork;
  /** Undefined unless photos of enrolled people are kept. */
  readonly keptPhotos: KeptPhotos | undefined;
}

/** Who is enrolled: a new person, or one that the gallery has. */
export interface Enrolee {
  /**
   * The person's record in this version of the gallery.
   * @throws {HttpError} if nobody may be enrolled so
   */
  readonly of: (index: GalleryIndex) => PersonRecord;
  readonly ids: EnrolmentIds;
  /** As the request says it; undefined where an id says who it is. */
  readonly name?: string;
  readonly acceptLowQuality: boolean;
}

/** People whom an enrolled face is compared with, for doubts. */
const NEAREST = 5;

/**
 * Resolves once the photos are stored, with the enrolment to come.
 * @throws {HttpError} 409, 422 that says what is wrong, before or after the photos were computed
 */
export async function enrol(
  photos: readonly CheckedPhoto[],
  enrolee: Enrolee,
  request: WorkRequest,
  parts: EnrolParts,
): Promise<() => Promise<Enrolment>> {
  const { gallery, keptPhotos } = parts;
  const before = await gallery.now();
  const digests = photos.map(({ bytes }) => photoDigest(bytes));
  refuseOther(before, enrolee, digests);
  const done = enrolmentBefore(before, enrolee);
  if (done !== undefined) return async () => done;
  enrolee.of(before); // Refused before a worker computes anything.
  const files = photos.map(({ file }) => file);
  const kept = keptPhotos === undefined ? [] : [...photos];
  const { result } = await parts.submit({ work: 'embed', photos, top: NEAREST }, request);
  const finish = async (): Promise<Enrolment> => {
    const worked = await result;
    const { acceptLowQuality, ids } = enrolee;
    const faces = facesToEnrol(worked, ids.faces, { acceptLowQuality, files });
    const id = enrolee.of(before).id;
    await keptPhotos?.put(id, ids.faces, kept);
    try {
      return await commit(faces, digests, enrolee, worked, gallery);
    } catch (error) {
      await keptPhotos?.remove(id, ids.faces);
      throw error;
    }
  };
  if (keptPhotos === undefined) return finish;
  // Their bytes are needed until the end.
  const enrolment = await finish();
  return async () => enrolment;
}

/** Faces of a photo that the in-bucket has: see `correct`. */
export async function enrolOf(
  inputs: WorkInputs,
  enrolee: Enrolee,
  facesOf: (result: WorkResult) => EnrolledFace[],
  digest: string,
  request: WorkRequest,
  { gallery, submit }: Omit<EnrolParts, 'keptPhotos'>,
): Promise<Enrolment> {
  const { result } = await submit({ ...inputs, top: NEAREST }, request);
  const worked = await result;
  return commit(facesOf(worked), [digest], enrolee, worked, gallery);
}

/** The answer of an earlier request with the same Idempotency-Key. */
function enrolmentBefore(index: GalleryIndex, { ids }: Enrolee): Enrolment | undefined {
  const faces = ids.faces.flatMap((id) => index.face(id) ?? []);
  const [first] = faces;
  if (first === undefined || faces.length < ids.faces.length) return undefined;
  const person = index.people.get(first.person);
  if (person === undefined || isExpired(person)) return undefined;
  return {
    person: personView(index, person),
    added: faces.map(faceView),
    doubts: [],
    gallery: index.version,
  };
}

/**
 * The faces that a key has enrolled say which photos and whose name it was sent with.
 * @throws {HttpError} 422 for the key of another request
 */
function refuseOther(index: GalleryIndex, enrolee: Enrolee, digests: readonly string[]): void {
  const { ids, name } = enrolee;
  const isOther = ids.faces.some((id, at) => {
    const face = index.face(id);
    if (face === undefined) return false;
    if (face.photoDigest !== undefined && face.photoDigest !== digests[at]) return true;
    const person = index.people.get(face.person);
    const names = person && [person.name, ...(person.former?.names ?? [])];
    return name !== undefined && names !== undefined && !names.includes(name);
  });
  const there = [...ids.faces, ids.next].filter((id) => index.face(id) !== undefined);
  const isOtherNumber = there.length > 0 && there.length !== ids.faces.length;
  if (isOther || isOtherNumber) throw peopleError.keyReused();
}

async function commit(
  faces: readonly EnrolledFace[],
  digests: readonly string[],
  enrolee: Enrolee,
  result: WorkResult,
  gallery: LiveGallery,
): Promise<Enrolment> {
  const enrolled = new Date().toISOString();
  let enrolment: Omit<Enrolment, 'gallery'> | undefined;
  const version = await gallery.change((index): Change => {
    if (index.encoder !== undefined && index.encoder !== result.encoder) {
      throw peopleError.otherModel(result.encoder, index.encoder);
    }
    refuseOther(index, enrolee, digests);
    const person = enrolee.of(index);
    const isNew = !index.people.has(person.id);
    const records = faces.map(({ id, face, embedding, photo }): FaceRecord => {
      const photoDigest = digests[photo];
      return { id, person: person.id, quality: face.quality, enrolled, photoDigest, embedding };
    });
    const added = records.map(faceView);
    const isAdded = new Set(added.map((face) => face.id));
    const before = index
      .facesOf(person.id)
      .filter((face) => !isAdded.has(face.id))
      .map(faceView);
    enrolment = {
      person: { ...personView(index, person), faces: [...before, ...added] },
      added,
      doubts: doubtsOf(faces, result, person.id),
    };
    return {
      kind: 'put',
      people: [person],
      faces: records,
      encoder: result.encoder,
      words: isNew
        ? 'enrol 1 person'
        : `add ${faces.length} ${faces.length === 1 ? 'face' : 'faces'}`,
    };
  });
  if (enrolment === undefined) throw new Error('The gallery changed without its change.');
  return { ...enrolment, gallery: version };
}

export interface NewPerson extends PersonDetails {
  readonly name: string;
  /** Whether faces go to the person who has the name already. */
  readonly add: boolean;
}

/** A new person, or with `add` the one of this name, whose details are replaced where new ones are given. */
export function personNamed({ name, add, ...given }: NewPerson, id: string): Enrolee['of'] {
  const details = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  return (index) => {
    const named = index.byName(name);
    if (named !== undefined) {
      // An expired person keeps the name until it is forgotten, which takes seconds.
      if (!add || isExpired(named)) throw peopleError.nameTaken();
      return { ...named, ...details };
    }
    return { id, name, ...details, enrolled: new Date().toISOString() };
  };
}
