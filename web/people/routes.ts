/** All routes about people. */
import { Router } from 'express';
import type { GalleryStore } from '../../people/store.ts';
import type { Access } from '../access.ts';
import type { Begin } from '../begin.ts';
import type { Admission } from '../upload/admission.ts';
import { compareRouter } from './compare.ts';
import { type CorrectParts, correctRouter } from './correct.ts';
import type { EnrolParts } from './enrol/enrol.ts';
import { type ReceiptRoutes, receiptsRouter } from './forget/router.ts';
import { transferRouter } from './gallery/transfer.ts';
import { versionsRouter } from './gallery/versions.ts';
import { peopleRouter } from './people.ts';
import { photoForms } from './request/photo-form.ts';

/** What is opened for these routes alone. */
export interface PeopleParts
  extends EnrolParts,
    Pick<CorrectParts, 'forget' | 'recognitions' | 'results'>,
    Omit<ReceiptRoutes, 'enter'> {
  readonly store: GalleryStore;
  /** Limit for all photos of one request together. */
  readonly maxUploadsMb: number;
}

export interface PeopleRoutesParts extends PeopleParts, Pick<Begin, 'enter' | 'open'> {
  readonly access: Access;
  readonly admission: Admission;
  readonly maxUploadMb: number;
}

export function peopleRoutes(parts: PeopleRoutesParts): Router {
  const routes = { ...parts, takeForm: photoForms(parts) };
  return Router().use(
    compareRouter(routes),
    correctRouter(routes),
    versionsRouter(routes),
    receiptsRouter(routes),
    // Before `/v1/people/:id`.
    transferRouter(routes),
    peopleRouter(routes),
  );
}
