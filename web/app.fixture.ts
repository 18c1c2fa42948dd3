/** The real app on the real server, without a cloud: what would go into it is kept here instead. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Match } from '../cloud/contract/match.ts';
import type { Logger } from '../runtime/log.ts';
import { NO_TRACING } from '../runtime/tracing/tracing.ts';
import { silent } from '../test/cloud.fixture.ts';
import { accessBy } from './access.ts';
import { ResultUpdates } from './api/result-updates.ts';
import { type AppParts, createApp } from './app.ts';
import { Answers } from './live/answers.ts';
import { openLive } from './live/live.ts';
import type { LiveSources } from './live/read-state.ts';
import { webMetrics } from './metrics/metrics.ts';
import { openSamples } from './page/samples.ts';
import { openPage } from './page/serve-page.ts';
import type { PeopleParts } from './people/routes.ts';
import { Waiters } from './recognize/waiters.ts';
import { openServer, type ServerLimits } from './server/server.ts';
import { Admission, type AdmissionLimits } from './upload/admission.ts';
import type { Upload } from './upload/photo.ts';

export const LIMIT_MB = 1;

export interface AppOptions extends Partial<AdmissionLimits>, ServerLimits {
  readonly uploadSeconds?: number;
  readonly keepAliveSeconds?: number;
  /** What becomes of a photo that was taken in; by default it is `Somebody` at once. */
  readonly recognise?: (upload: Upload) => Promise<Match>;
  readonly log?: Logger;
  readonly parts?: Partial<AppParts>;
}

const NOTHING_RUNS: LiveSources = {
  pressure: { read: async () => ({ count: 0, abandoned: 0 }) },
  leases: { read: async () => new Map() },
  scaler: { read: async () => undefined, history: async () => [] },
  answers: new Answers(),
};

/** The routes about people exist; calling one needs a web node with a cloud. */
const NOBODY = {
  maxUploadsMb: 4 * LIMIT_MB,
  gallery: { require: async () => {} },
} as unknown as PeopleParts;

/** Built once for all apps of a test file: it is the same page. */
const page = openPage();

export type RunningApp = Awaited<ReturnType<typeof startApp>>;

export async function startApp(options: AppOptions = {}) {
  const { log = silent, maxRequests = 1000, uploadBytes = 64 * LIMIT_MB * 1024 * 1024 } = options;
  const taken: Pick<Upload, 'file' | 'type'>[] = [];
  const admission = new Admission({ ...options, maxRequests, uploadBytes });
  const recognise = options.recognise ?? (async () => ({ name: 'Somebody' }) as Match);
  const app = createApp({
    submit: async (upload) => {
      taken.push({ file: upload.file, type: upload.type });
      return { file: upload.file, answer: recognise(upload).then((match) => ({ match })) };
    },
    admission,
    forecast: { requireTimely: async () => {} },
    access: accessBy({ apiKeys: undefined, adminKeyHash: undefined, rateLimit: undefined }),
    metrics: webMetrics({
      waiters: new Waiters(1),
      admission,
      pressure: { read: async () => ({ count: 0 }) } as never,
      queues: {},
      isReady: () => true,
      workers: { leases: { read: async () => new Map() }, scaler: { read: async () => undefined } },
    }),
    live: openLive(NOTHING_RUNS, log),
    samples: openSamples(undefined),
    requestIds: { take: async () => true },
    api: {
      enqueue: async () => {},
      updates: new ResultUpdates(() => ({ close() {} })),
      recognitions: {
        write: async () => {},
        find: async () => undefined,
        keep: async () => {},
        replies: async () => [],
      },
      lateMs: 1000,
      maxUploadsMb: 4 * LIMIT_MB,
    },
    people: NOBODY,
    notReady: () => undefined,
    degraded: () => undefined,
    isStopping: () => false,
    page,
    maxUploadMb: LIMIT_MB,
    tracing: NO_TRACING,
    log,
    ...options.parts,
  });
  const { uploadSeconds = 60, keepAliveSeconds = 65 } = options;
  const limits = {
    UPLOAD_SECONDS: uploadSeconds,
    MAX_REQUESTS: maxRequests,
    KEEP_ALIVE_SECONDS: keepAliveSeconds,
  };
  const server = openServer(app, limits, log, options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    server,
    admission,
    /** What was taken in, in its order. */
    taken,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
