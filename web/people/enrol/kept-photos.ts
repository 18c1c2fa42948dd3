/** Photos of enrolled people, kept where KEEP_ENROLLED_PHOTOS says so, so that another encoder can embed them. */
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import { peopleKeys } from '../../../people/head.ts';
import type { CheckedPhoto } from '../../upload/photo.ts';

export interface KeptPhotos {
  /** Before the gallery lists the faces, so that it never lists one whose photo is missing. */
  put(person: string, faces: readonly string[], photos: readonly CheckedPhoto[]): Promise<void>;
  remove(person: string, faces: readonly string[]): Promise<void>;
}

export function openKeptPhotos(objects: Pick<StoredObjects, 'put' | 'delete'>): KeptPhotos {
  return {
    async put(person, faces, photos) {
      await Promise.all(
        photos.map(({ bytes, type }, index) =>
          objects.put(peopleKeys.photo(person, faces[index] ?? ''), bytes, type),
        ),
      );
    },
    remove: (person, faces) => objects.delete(faces.map((face) => peopleKeys.photo(person, face))),
  };
}
