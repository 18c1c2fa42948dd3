/** Metrics per photo: its size when it is stored, and the timings that its worker reports. */
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import { type ModelInfo, outcomeName, type ReplyMessage } from '../../cloud/contract/messages.ts';

/** The worker stages with a label. Others are ignored: a reply must not create labels. */
const WORKER_STAGES = ['fetch', 'wait', 'decode', 'detect', 'embed', 'match', 'write'];
/** The stages that follow each other; `compute` covers decode to match, and the transfer to the model. */
const WORKER_TIME = ['fetch', 'wait', 'compute', 'write'];
/** Time a model is shown after its last answer. */
const MODEL_SHOWN_MS = 10 * 60_000;

export interface ReplyMetrics {
  /** A photo is stored and queued. */
  readonly onSent: (bytes: number, seconds: number) => void;
  /** A reply has arrived at this node. */
  readonly onReply: (reply: ReplyMessage) => void;
}

export function replyMetrics(registers: Registry[], now: () => number = Date.now): ReplyMetrics {
  const size = new Histogram({
    name: 'elastic_face_photo_size_bytes',
    help: 'Size of photos that were stored and queued.',
    buckets: [0, 2, 4, 6, 8, 10, 12, 14].map((power) => 1024 * 2 ** power),
    registers,
  });
  const stages = new Histogram({
    name: 'elastic_face_stage_duration_seconds',
    help: 'Time of a photo in each stage of its way: store, queue, then fetch to write in its worker.',
    labelNames: ['stage'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers,
  });
  const replies = new Counter({
    name: 'elastic_face_replies_total',
    help: 'Replies of workers by outcome: match, work, or why not; failed is a dead letter.',
    labelNames: ['outcome'],
    registers,
  });
  const redeliveries = new Counter({
    name: 'elastic_face_redeliveries_total',
    help: 'Deliveries beyond the first of the requests that were replied to.',
    registers,
  });
  const models = new Map<string, { labels: ModelInfo; seenAt: number }>();
  new Gauge({
    name: 'elastic_face_model_info',
    help: 'Models that answered this node in the last ten minutes; more than one is a mixed fleet.',
    labelNames: ['backend', 'precision', 'version'],
    registers,
    collect() {
      this.reset();
      for (const [key, { labels, seenAt }] of models) {
        if (now() - seenAt > MODEL_SHOWN_MS) models.delete(key);
        else this.set({ ...labels }, 1);
      }
    },
  });
  return {
    onSent(bytes, seconds) {
      size.observe(bytes);
      stages.observe({ stage: 'store' }, seconds);
    },
    onReply({ outcome, timings = {}, model, deliveries = 1, sentAt }) {
      replies.inc({ outcome: outcomeName(outcome) });
      redeliveries.inc(deliveries - 1);
      for (const stage of WORKER_STAGES) {
        const ms = timings[stage];
        if (ms !== undefined) stages.observe({ stage }, Math.max(0, ms) / 1000);
      }
      // The total is measured by this node's clock and the parts by the worker's: clocks are never compared.
      if (sentAt !== undefined && timings.compute !== undefined) {
        const worked = WORKER_TIME.reduce((sum, step) => sum + (timings[step] ?? 0), 0);
        stages.observe({ stage: 'queue' }, Math.max(0, now() - sentAt - worked) / 1000);
      }
      if (model) models.set(JSON.stringify(model), { labels: model, seenAt: now() });
    },
  };
}
