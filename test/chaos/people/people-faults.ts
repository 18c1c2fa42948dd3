/** Faults that hit changes of people: how each is done and undone. */
import { setTimeout as delay } from 'node:timers/promises';
import { cloudNames } from '../../../cloud/contract/names.ts';
import type { FaultOf } from '../faults/faults.ts';
import type { Call, CallRule, FaultProxy } from '../faults/proxy.ts';
import type { Last } from '../faults/wide-faults.ts';
import { signal } from '../system/processes.ts';
import type { System } from '../system/system.ts';
import type { PeopleLoad } from './people-load.ts';

/** Changes are two a second. */
const NEXT_CHANGE_MS = 3000;

/** @returns what was hit, in words; undefined when there was nothing to hit */
export async function carryOutOnPeople(
  fault: FaultOf<'people'>,
  parts: {
    readonly system: System;
    readonly proxy: Pick<FaultProxy, 'add' | 'remove'>;
    readonly people: Pick<PeopleLoad, 'changing'> | undefined;
  },
  last: Last,
): Promise<string | undefined> {
  const { system, proxy, people } = parts;
  if (people === undefined) return undefined;
  if (fault.how === 'kill-in-change') return killInChange(system, people, fault.pick);
  const { peopleBucket } = cloudNames(system.settings.PROJECT_ID);
  const isOfPeople = ({ path, host }: Call): boolean =>
    path.startsWith(`/${peopleBucket}/`) || host.startsWith(`${peopleBucket}.`);
  const rule: CallRule = {
    service: 's3',
    share: fault.share,
    ...(fault.how === 'lost-write'
      ? { fault: 'lost-reply', only: (call: Call) => call.isConditionalWrite && isOfPeople(call) }
      : { fault: fault.how === 'slow' ? 'slow' : '503', only: isOfPeople }),
  };
  proxy.add(rule);
  last(fault.ms, () => proxy.remove(rule));
  return '';
}

/** Some ms after a change was sent, so that it is met at each of its steps. */
async function killInChange(
  { webs }: System,
  { changing }: Pick<PeopleLoad, 'changing'>,
  pick: number,
): Promise<string | undefined> {
  const end = performance.now() + NEXT_CHANGE_MS;
  while (changing.length === 0) {
    if (performance.now() > end) return undefined;
    await delay(2);
  }
  const node = changing.at(-1)!;
  await delay(pick * 100);
  const pid = webs[node]?.pid;
  return pid !== undefined && signal(pid, 'SIGKILL') ? `node ${node}, pid ${pid}` : undefined;
}
