/** Settings of the web tier: what its clients may do, and how much of it. */
import { megabytes, seconds, whole } from './setting-kinds.ts';

export const webLimitSettings = {
  REQUEST_SECONDS: seconds(1, 86_400)
    .default(900)
    .describe('a request that has no answer by then gets 504'),
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
  STOP_SECONDS: seconds(0, 3600)
    .default(20)
    .describe('a web node that stops waits so long for answers; the rest gets 503'),
};
