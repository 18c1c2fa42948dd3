/** Whether this machine can run the services: Node, TensorFlow, the model, memory, Redis. Asks no cloud. */
import { execFile } from 'node:child_process';
import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { readIntactManifest } from '../../convert/write/model-folder.ts';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine, modulePath } from '../../runtime/installation.ts';
import type { Logger } from '../../runtime/log.ts';
import { redisUrlOf } from '../../runtime/process/service.ts';
import type { Settings } from '../../runtime/settings.ts';
import { type Check, right, unknown, wrong } from './finding.ts';

const PROBE = modulePath('../../model/native/probe.ts', import.meta.url);
/** The sources are TypeScript that Node itself reads. */
const LEAST_NODE = 24;
/** One worker and its service: docs/performance.md. */
const WORKER_MB = 800;
const REDIS_MS = 3000;

export function machineChecks(settings: Settings, log: Logger): Record<string, Check> {
  return {
    Node: async () => {
      const major = Number(process.versions.node.split('.')[0]);
      return major >= LEAST_NODE
        ? right(process.version)
        : wrong(
            `${process.version}: start it with npm, which installs Node ${LEAST_NODE} (npm ci).`,
          );
    },
    TensorFlow: async () => {
      try {
        await promisify(execFile)(process.execPath, [PROBE]);
        return right('the native library loads and computes');
      } catch (error) {
        const { stderr = '' } = error as { stderr?: string };
        const [reason = messageOf(error)] = stderr.trim().split('\n');
        return wrong(
          `the native library does not load (${reason}): run ${commandLine('setup-native')}. Without it, wasm is used.`,
        );
      }
    },
    model: async () => {
      const folder = resolve(settings.MODEL_DIR);
      return (await readIntactManifest(folder))
        ? right(`converted and complete, in ${folder}`)
        : wrong(`missing or damaged in ${folder}: run ${commandLine('convert')}.`);
    },
    memory: async () => {
      const megabytes = Math.round(totalmem() / 2 ** 20);
      return megabytes >= WORKER_MB
        ? right(`${megabytes} MB, enough for ${Math.floor(megabytes / WORKER_MB)} workers`)
        : wrong(`${megabytes} MB: a worker takes ${WORKER_MB}.`);
    },
    Redis: async () => {
      const url = redisUrlOf(settings);
      if (url === undefined) {
        return unknown(
          'REDIS_URL is not set. npm start starts its own Redis; single services need one.',
        );
      }
      const redis = connectRedis(url, 'doctor', log);
      try {
        await Promise.race([
          redis.ping(),
          new Promise((_, reject) => {
            setTimeout(() => reject(new Error('no answer')), REDIS_MS).unref();
          }),
        ]);
        return right('answers');
      } catch (error) {
        return wrong(`unreachable (${messageOf(error)}): check REDIS_URL.`);
      } finally {
        redis.disconnect();
      }
    },
  };
}
