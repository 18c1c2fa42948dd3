/**
 * Forgets people whose time is over, finishes jobs of nodes that died, and deletes leftovers in the people
 * bucket. Every web node tries; a lease in Redis lets one at a time. Without Redis all do, which is harmless.
 */
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';
import type { GalleryIndex } from '../../../people/records.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { Forget } from './forget.ts';

/** Interval of the sweeps; one also comes when the next person expires. */
const PERIOD_MS = 60_000;
const LEAST_PAUSE_MS = 250;

export interface SweepParts {
  readonly gallery: { now(): Promise<GalleryIndex> };
  readonly forget: Pick<Forget, 'expired' | 'resume'>;
  /** Takes in people of a newly built model. */
  readonly takeBase: () => Promise<void>;
  /** Of the people bucket. */
  readonly objects: StoredObjects;
  /** @returns whether this node sweeps now; rejects without Redis */
  readonly takeLease: (ms: number) => Promise<boolean>;
  /** How long a request may take, in ms: older inputs were left behind. */
  readonly requestMs: number;
  readonly periodMs?: number;
  readonly log: Logger;
}

export interface Sweep {
  /** The gallery has changed: somebody may expire sooner. */
  changed(): void;
  stop(): Promise<void>;
}

export function startSweep(parts: SweepParts): Sweep {
  const { gallery, forget, objects, log, periodMs = PERIOD_MS } = parts;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isSweeping = false;
  let running: Promise<void> = Promise.resolve();

  const sweep = async (): Promise<void> => {
    const isMine = await parts.takeLease(periodMs / 2).catch(() => true);
    if (isMine) {
      await parts.takeBase();
      await forget.expired();
      await forget.resume();
      await deleteLeftovers(objects, await gallery.now(), 2 * parts.requestMs);
    }
  };
  const plan = async (): Promise<void> => {
    const next = await gallery.now().then(nextExpiry, () => undefined);
    clearTimeout(timer);
    if (isStopped) return;
    const ms = next === undefined ? periodMs : next - Date.now();
    timer = setTimeout(turn, Math.min(periodMs, Math.max(LEAST_PAUSE_MS, ms)));
    timer.unref();
  };
  const turn = (): void => {
    isSweeping = true;
    running = sweep()
      .catch((err: unknown) => log.warn({ err }, 'The sweep of people failed; it is tried again'))
      .then(() => {
        isSweeping = false;
        return plan();
      });
  };
  running = plan();
  return {
    changed() {
      // After a sweep it plans anyway.
      if (!isSweeping) running = running.then(plan);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

function nextExpiry({ people }: GalleryIndex): number | undefined {
  let next: number | undefined;
  for (const { expires } of people.values()) {
    if (expires === undefined) continue;
    const at = Date.parse(expires);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

/** Inputs of requests that ended without their node, and photos of faces that the gallery does not list. */
async function deleteLeftovers(
  objects: StoredObjects,
  index: GalleryIndex,
  ageMs: number,
): Promise<void> {
  const before = Date.now() - ageMs;
  for (const prefix of ['work/', 'people/']) {
    for await (const page of objects.pages(prefix)) {
      const left = page.filter(
        ({ key, modified }) => modified < before && !(prefix === 'people/' && isListed(key, index)),
      );
      await objects.delete(left.map(({ key }) => key));
    }
  }
}

/** `people/<person>/<face>.jpg`. */
function isListed(key: string, index: GalleryIndex): boolean {
  const face = /\/([0-9a-f-]{36})\.jpg$/.exec(key)?.[1];
  return face !== undefined && index.face(face) !== undefined;
}
