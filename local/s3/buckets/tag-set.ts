/** Sets of tags by S3's rules, as XML and as a header. Knows no bucket. */
import { z } from 'zod';
import { S3Error } from '../errors.ts';
import { documentXml, parseXml } from '../xml.ts';

export type Tags = Readonly<Record<string, string>>;

export const MOST_OBJECT_TAGS = 10;
export const MOST_BUCKET_TAGS = 50;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const tag = z.strictObject({ Key: z.string(), Value: z.string() });
const tagging = z.object({
  Tagging: z.object({
    TagSet: z.union([z.object({ Tag: z.array(tag).default([]) }), z.string()]),
  }),
});

/** @throws {S3Error} MalformedXML, InvalidTag, BadRequest for too many */
export function tagsOfXml(body: Buffer, most: number): Tags {
  const { TagSet } = parseXml(body, tagging).Tagging;
  const pairs = typeof TagSet === 'string' ? [] : TagSet.Tag;
  return checked(
    pairs.map(({ Key, Value }) => [Key, Value]),
    most,
  );
}

/** Of `x-amz-tagging`, which is written as a query. */
export function tagsOfHeader(text: string): Tags {
  return checked([...new URLSearchParams(text)], MOST_OBJECT_TAGS);
}

export function tagsXml(tags: Tags): string {
  const Tag = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return documentXml('Tagging', { TagSet: { Tag } });
}

function checked(pairs: readonly (readonly [string, string])[], most: number): Tags {
  if (pairs.length > most) {
    throw new S3Error('BadRequest', 400, `Object tags cannot be greater than ${most}`);
  }
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (tags.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', key);
    if (key === '' || key.length > 128 || !TEXT.test(key) || /^aws:/i.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key);
    }
    if (value.length > 256 || !TEXT.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid', key);
    }
    tags.set(key, value);
  }
  return Object.fromEntries(tags);
}

function invalidTag(message: string, key: string): S3Error {
  return new S3Error('InvalidTag', 400, message, { details: { TagKey: key.slice(0, 128) } });
}
