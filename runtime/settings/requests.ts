/** Settings of a request on its way: how long it may take, and how long its photo and answer are kept. */
import { seconds, whole } from './kinds.ts';

export const requestSettings = {
  REQUEST_SECONDS: seconds(1, 86_400)
    .default(900)
    .describe('Seconds a request may take. A client that has no answer by that time gets 504.'),
  VISIBILITY_SECONDS: seconds(5, 43_200)
    .default(30)
    .describe(
      'Visibility timeout, in seconds, of a request that a worker has received. It is extended while work lasts.',
    ),
  MAX_RECEIVES: whole(1, 1000)
    .default(5)
    .describe('Deliveries of a request before it goes to the dead-letter queue.'),
  RETENTION_DAYS: whole(0, 3650)
    .default(0)
    .describe('Days photos and results are kept (0 = forever).'),
};
