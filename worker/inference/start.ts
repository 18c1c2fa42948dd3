/** Starts the inference process that a worker's settings ask for. Knows no cloud. */
import { isDeepStrictEqual } from 'node:util';
import { moduleUrl } from '../../runtime/installation.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { Inference } from './inference.ts';

const MODEL = moduleUrl('./child.ts', import.meta.url);

type ModelSettings = Pick<
  Settings,
  'MODEL_DIR' | 'BACKEND' | 'PRECISION' | 'THREADS' | 'KNOWN_DISTANCE' | 'KNOWN_ODDS'
>;

function argumentsOf({
  MODEL_DIR,
  BACKEND,
  PRECISION,
  THREADS,
  KNOWN_DISTANCE,
  KNOWN_ODDS,
}: ModelSettings): string[] {
  return [
    MODEL_DIR,
    BACKEND,
    PRECISION,
    String(THREADS),
    String(KNOWN_DISTANCE ?? ''),
    String(KNOWN_ODDS ?? ''),
  ];
}

/** Whether both settings start the same inference process. */
export function isSameModel(one: ModelSettings, other: ModelSettings): boolean {
  return isDeepStrictEqual(argumentsOf(one), argumentsOf(other));
}

/** @param entry the inference program; the model unless a test brings another */
export function startInference(
  settings: ModelSettings,
  log: Logger,
  entry: URL = MODEL,
): Inference {
  return new Inference({
    entry,
    args: argumentsOf(settings),
    threads: settings.THREADS,
    isPrepared: true,
    log,
  });
}
