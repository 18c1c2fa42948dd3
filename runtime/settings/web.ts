/** Settings of the web tier: what its clients may do, and how much of it. */
import { z } from 'zod';
import { listOf, megabytes, seconds, secret, whole } from './kinds.ts';

export const webSettings = {
  REQUEST_SECONDS: seconds(1, 86_400)
    .default(900)
    .describe('a request that has no answer by then gets 504'),
  ANSWER_SECONDS: seconds(1, 604_800)
    .default(3600)
    .describe('an answer that was asked for with `Prefer: respond-async` can be read for so long'),
  MAX_UPLOAD_MB: megabytes(0.01, 512).default(16).describe('largest photo accepted, in megabytes'),
  MAX_REQUESTS: whole(1, 1_000_000)
    .default(20_000)
    .describe('requests that may be at one web node at once; a further one gets 503'),
  UPLOAD_MEMORY_MB: megabytes(0.01, 65_536)
    .default(256)
    .describe('memory of a web node for photos until they are stored; further uploads wait'),
  UPLOAD_SECONDS: seconds(0.1, 3600)
    .default(120)
    .describe('a request that has not arrived whole by then gets 408'),
  API_KEYS: secret(
    z.string().regex(listOf(String.raw`[\w-]{1,40}:[0-9a-f]{64}`), {
      error: 'must be a list like alice:<64 hexadecimal letters>, as `npm run key` prints it',
    }),
  )
    .optional()
    .describe('who may post photos: entries of `npm run key`, with commas; unset lets everybody'),
  ADMIN_KEY_HASH: secret(
    z.string().regex(/^[0-9a-f]{64}$/, {
      error: 'must be 64 hexadecimal letters, as `npm run key` prints',
    }),
  )
    .optional()
    .describe('hash of the key for /metrics; unset lets everybody who reaches the port'),
  RATE_PER_MINUTE: whole(0, 1_000_000)
    .default(0)
    .describe('photos a minute that one key of API_KEYS may send; 0 is no limit'),
  SAMPLES_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder of sample photos that the page may post; under `npm start` the course’s or the portraits, as the model knows them',
    ),
  STOP_SECONDS: seconds(0, 3600)
    .default(20)
    .describe('a web node that stops waits so long for answers; the rest gets 503'),
};
