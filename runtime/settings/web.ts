/** Settings of the web tier: where it listens, what its clients may do, and how much of it. */
import { z } from 'zod';
import { listOf, megabytes, seconds, secret, whole } from './kinds.ts';

export const webSettings = {
  PORT: whole(0, 65535).default(8000).describe('Port of the web tier (0 = any free port).'),
  HOST: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Address that the web tier listens on. Unset: all addresses, or only this machine under `npm start`.',
    ),
  ALLOWED_HOSTS: z
    .string()
    .regex(listOf(String.raw`\.?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*`), {
      error: 'must be a list of host names like faces.example,.dev.example, without ports',
    })
    .optional()
    .describe(
      'Host names, besides localhost, under which browsers may reach services that listen on this machine only. `.dev.example` includes all names below it.',
    ),
  ANSWER_SECONDS: seconds(1, 604_800)
    .default(3600)
    .describe('Seconds for which an answer to a `Prefer: respond-async` request can be read.'),
  MAX_UPLOAD_MB: megabytes(0.01, 512).default(32).describe('Maximum size of a photo in megabytes.'),
  MAX_REQUESTS: whole(1, 1_000_000)
    .default(20_000)
    .describe('Maximum number of open requests on one web node. Further requests get 503.'),
  UPLOAD_MEMORY_MB: megabytes(0.01, 65_536)
    .default(256)
    .describe(
      'Memory in megabytes for photos that a web node has received and not yet stored. Further uploads wait.',
    ),
  UPLOAD_SECONDS: seconds(0.1, 3600)
    .default(120)
    .describe('Seconds within which a request must arrive completely; a slower one gets 408.'),
  KEEP_ALIVE_SECONDS: seconds(1, 86_400)
    .default(65)
    .describe(
      'Seconds an idle connection is kept open. Must be longer than the idle timeout of a load balancer in front.',
    ),
  API_KEYS: secret(
    z.string().regex(listOf(String.raw`[\w-]{1,40}:[0-9a-f]{64}`), {
      error: 'must be a list like alice:<64 hexadecimal letters>, as `npm run key` prints it',
    }),
  )
    .optional()
    .describe(
      'API keys that may post photos: entries from `npm run key`, separated by commas. Unset: no key is needed.',
    ),
  ADMIN_KEY_HASH: secret(
    z.string().regex(/^[0-9a-f]{64}$/, {
      error: 'must be 64 hexadecimal letters, as `npm run key` prints',
    }),
  )
    .optional()
    .describe('Hash of the key for /metrics. Unset: no key is needed.'),
  RATE_PER_MINUTE: whole(0, 1_000_000)
    .default(0)
    .describe('Photos per minute allowed per API key (0 = unlimited).'),
  SAMPLES_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of sample photos that the page offers. `npm start` uses photos of people whom the model knows.',
    ),
  GALLERY_VERSIONS: whole(0, 1000)
    .default(20)
    .describe('Number of earlier gallery versions to keep, which a rollback can bring back.'),
  KEEP_ENROLLED_PHOTOS: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe(
      '`true` keeps the photos of enrolled people in the people bucket, so that another encoder can embed them again.',
    ),
  STOP_SECONDS: seconds(0, 3600)
    .default(20)
    .describe(
      'Seconds a stopping web node waits for open requests before it answers them with 503.',
    ),
};
