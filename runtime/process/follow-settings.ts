/**
 * Settings that may change while a service runs: looks at their source now and then, and applies what has
 * changed for this service. Knows no service and no source.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SettingsInput } from '../settings.ts';

/** With the spread, the services of a large fleet together stay below what Parameter Store takes. */
const POLL_MS = 20_000;
const SPREAD = 0.25;

/** Where settings come from besides flags and the environment. */
export interface SettingsSource {
  /** Retries for a while if the source is unreachable. */
  readAtStart(log: Logger): Promise<SettingsInput>;
  read(): Promise<SettingsInput>;
  close(): void;
}

export interface FollowParts<Values> {
  readonly source: SettingsSource;
  /** The settings in effect. */
  readonly current: Values;
  /** Throws if the settings are wrong. */
  readonly parse: (values: SettingsInput) => Values;
  readonly apply: (settings: Values) => Promise<void>;
  readonly log: Logger;
  readonly pollMs?: number | undefined;
}

export interface Following {
  /** Resolves when nothing is being applied any more. */
  stop(): Promise<void>;
}

export function followSettings<Values extends object>(parts: FollowParts<Values>): Following {
  const { source, parse, apply, log, pollMs = POLL_MS } = parts;
  const stopping = new AbortController();
  let current = parts.current;
  let refused: SettingsInput | undefined;
  let isReadable = true;

  const look = async (): Promise<void> => {
    let values: SettingsInput;
    try {
      values = await source.read();
    } catch (err) {
      if (isReadable) log.warn({ reason: messageOf(err) }, 'Cannot look for changed settings');
      isReadable = false;
      return;
    }
    isReadable = true;
    if (stopping.signal.aborted || isDeepStrictEqual(values, refused)) return;
    let settings: Values;
    try {
      settings = parse(values);
    } catch (err) {
      refused = values;
      log.error(
        { reason: messageOf(err) },
        'The changed settings are wrong: the earlier ones stay in effect',
      );
      return;
    }
    refused = undefined;
    const changed = changedNames(current, settings);
    if (changed.length === 0) return;
    log.info({ changed }, 'Settings have changed: applying them');
    try {
      await apply(settings);
    } catch (err) {
      log.error({ err }, 'Cannot run with the changed settings; trying again later');
      return;
    }
    current = settings;
    log.info({ changed }, 'The changed settings are in effect');
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const waitMs = pollMs * (1 + SPREAD * (Math.random() - 0.5));
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (!stopping.signal.aborted) await look();
    }
    source.close();
  };
  const ended = loop();
  return {
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

function changedNames(before: object, after: object): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const read = (settings: object, name: string) => (settings as SettingsInput)[name];
  return [...names].filter((name) => !isDeepStrictEqual(read(before, name), read(after, name)));
}
