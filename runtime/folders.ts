/** Where this project keeps what it makes or downloads for a user: never in the checkout. */
import { join } from 'node:path';
import envPaths from 'env-paths';

const paths = envPaths('elastic-face', { suffix: '' });

export const folders = {
  /** Downloads and built native parts; safe to delete, made again when needed. */
  cache: paths.cache,
  /** The converted model, unless a setting names another folder. */
  model: join(paths.data, 'model'),
  /** The embedded cloud's queues, buckets and instances, unless a setting names another folder. */
  localCloud: join(paths.data, 'local-cloud'),
} as const;
