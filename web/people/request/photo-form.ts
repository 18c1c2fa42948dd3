/** Reads the photos and fields of a request about people, within the limits that hold for photos. */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Access } from '../../access.ts';
import { readOptions } from '../../api/route-rules.ts';
import type { Exchange } from '../../exchange.ts';
import { HttpError } from '../../http-error.ts';
import type { Admission } from '../../upload/admission.ts';
import { checkHeadOfSeveral, formReader } from '../../upload/form-reader.ts';
import { type CheckedPhoto, checkPhoto } from '../../upload/photo.ts';
import { photoWords } from '../errors.ts';
import { readFields } from './fields.ts';

export interface PhotoFormParts {
  readonly access: Access;
  readonly admission: Admission;
  readonly maxUploadMb: number;
  /** Limit for all photos of one request together. */
  readonly maxUploadsMb: number;
}

export interface PhotoForm<Fields> {
  /** In the order of the form. */
  readonly photos: readonly CheckedPhoto[];
  readonly fields: Fields;
}

export interface PhotoFormRules<Fields extends z.ZodRawShape, Query extends z.ZodRawShape> {
  /** Largest number of photos. */
  readonly most: number;
  readonly fields: z.ZodObject<Fields>;
  /** Fields that may be in the query too, where they win. */
  readonly query: z.ZodObject<Query>;
}

type Output<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields>>;

/**
 * Passes a form to `send`, whose promise ends when the bytes of its photos can be freed.
 * @throws {HttpError} that names the photo or the field that is wrong
 */
export type TakeForm = <F extends z.ZodRawShape, Q extends z.ZodRawShape, T>(
  rules: PhotoFormRules<F, Q>,
  request: Request,
  response: Response,
  exchange: Exchange,
  send: (form: PhotoForm<Output<F> & Partial<Output<Q>>>) => Promise<T>,
) => Promise<T>;

export function photoForms(parts: PhotoFormParts): TakeForm {
  const { access, admission, maxUploadMb, maxUploadsMb } = parts;
  return async (rules, request, response, { left }, send) => {
    const query = readOptions(rules.query, request.query);
    const room = await admission.reserve(checkHeadOfSeveral(request, maxUploadsMb), left);
    try {
      const form = await formReader(maxUploadMb, rules.most)(request, response, room);
      room.arrived();
      const fields = { ...readFields(rules.fields, { ...form.fields }), ...query };
      await access.countMore(request, form.photos.length - 1);
      const photos = await Promise.all(
        form.photos.map((photo, index) =>
          checkPhoto(photo).catch((error: unknown) => {
            throw form.photos.length === 1 ? error : ofPhoto(error, photoWords(index, photo.file));
          }),
        ),
      );
      return await send({ photos, fields });
    } finally {
      room.release();
    }
  };
}

function ofPhoto(error: unknown, photo: string): unknown {
  if (!(error instanceof HttpError)) return error;
  const { status, code, message } = error;
  return new HttpError(status, code, `${photo}: ${message}`, { cause: error });
}
