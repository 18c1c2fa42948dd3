/** What every booted machine of a test has, whatever it boots in, and how its instance is run by local EC2. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { Instance } from '../../local/ec2/fleet/instance.ts';
import type { LaunchMachine, Machine } from '../../local/ec2/fleet/machines.ts';
import { startMetadataService } from '../../local/imds.ts';
import { until } from '../../test/condition.fixture.ts';

/** Before a machine that does not power off by itself is killed, as EC2 does. */
const GRACE_MS = 150_000;

export interface Booted extends Machine {
  readonly instance: Instance;
  /** Of `performance.now()`. */
  readonly poweredOnAt: number;
  /** Everything that the console showed. */
  console(): string;
  /** Runs a shell line as root inside; throws with its output unless it ends with 0. */
  shell(line: string): Promise<string>;
  /** Presses the power button. */
  stop(): void;
  kill(): void;
}

/** Boots one machine; `metadataPort` is its own metadata service's on this machine's loopback. */
export type Boot = (
  instance: Instance,
  metadataPort: number,
  consoleFile: string,
) => Promise<Boots>;
export type Boots = Pick<Booted, 'gone' | 'shell' | 'stop' | 'kill'> & {
  /** ms for the machine to power off by itself before it is killed. */
  readonly graceMs?: number;
};

export interface Fleet {
  readonly launch: LaunchMachine;
  /** All that were launched, the latest last. */
  readonly machines: readonly Booted[];
}

/** @param folder gets the console of each machine, `<instance id>.console` */
export function openFleet(boot: Boot, folder: string): Fleet {
  const machines: Booted[] = [];
  return {
    machines,
    async launch(instance) {
      mkdirSync(folder, { recursive: true });
      const metadata = await startMetadataService(instance);
      const consoleFile = join(folder, `${instance.id}.console`);
      appendFileSync(consoleFile, '');
      const poweredOnAt = performance.now();
      const booted = await boot(instance, Number(new URL(metadata.url).port), consoleFile);
      let killing: NodeJS.Timeout | undefined;
      const machine: Booted = {
        ...booted,
        instance,
        poweredOnAt,
        console: () => readFileSync(consoleFile, 'utf8'),
        gone: booted.gone.finally(() => {
          clearTimeout(killing);
          return metadata.close();
        }),
        stop() {
          // Once: the scaler terminates what has drained also while it powers off, and systemd-nspawn takes the
          // second signal for an order to end at once.
          if (killing !== undefined) return;
          booted.stop();
          killing = setTimeout(() => booted.kill(), booted.graceMs ?? GRACE_MS);
        },
      };
      machines.push(machine);
      return machine;
    },
  };
}

/** Resolves with the seconds from power on until a line of the console matches. */
export async function untilConsole(
  machine: Booted,
  line: RegExp,
  limitMs: number,
): Promise<number> {
  await until(`${line} on the console`, () => line.test(machine.console()), {
    limitMs,
    everyMs: 100,
  });
  return (performance.now() - machine.poweredOnAt) / 1000;
}

export interface Forward {
  /** Swallows what comes and goes while true, as a network without a route does. */
  cut: boolean;
  close(): void;
}

/** Passes what comes in by a socket file on to a port of this machine's loopback. */
export function forwardSocket(path: string, port: number): Promise<Forward> {
  const open = new Set<{ destroy(): void; pause(): void; resume(): void }>();
  let isCut = false;
  const server: Server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const one of [incoming, outgoing]) {
      open.add(one);
      one.once('close', () => open.delete(one));
      if (isCut) one.pause();
    }
    pipeline(incoming, outgoing, incoming, () => undefined);
  });
  const forward: Forward = {
    get cut() {
      return isCut;
    },
    set cut(wanted) {
      isCut = wanted;
      for (const one of open) wanted ? one.pause() : one.resume();
    },
    close() {
      server.close();
      for (const one of open) one.destroy();
    },
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(path, () => resolve(forward));
  });
}
