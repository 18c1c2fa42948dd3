/** What a conversion says while it runs. Knows no terminal. */

export const stages = {
  wait: 'waiting for another conversion into the same folder',
  find: 'finding the model data',
  download: 'downloading the model data',
  check: 'comparing with what is converted already',
  read: 'reading the checkpoints',
  write: 'writing the model',
  gallery: 'making the gallery',
  test: 'testing the model',
} as const;

export interface Progress {
  readonly stage: keyof typeof stages;
  /** What of the stage is in work, e.g. a file's name. */
  readonly detail?: string;
  /** How much of the stage is done, from 0 to 1, where that is known. */
  readonly share?: number;
}

export type OnProgress = (progress: Progress) => void;
