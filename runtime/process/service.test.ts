import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { pino } from 'pino';
import { until } from '../../test/condition.fixture.ts';
import { openSupervisor } from './service.ts';

const log = pino({ level: 'silent' });
const missing = ['systemd-notify', 'python3'].find(
  (program) => spawnSync(program, ['--version']).status !== 0,
);

/** Node cannot listen on a datagram socket of the Unix kind; Python can. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`;

describe('what systemd hears of a service', { skip: missing && `${missing} is missing` }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-systemd-'));
  const NOTIFY_SOCKET = join(folder, 'notify');
  const listener = spawn('python3', ['-c', LISTENER, NOTIFY_SOCKET], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const heard: string[] = [];
  createInterface(listener.stdout).on('line', (line) => heard.push(line));
  after(async () => {
    listener.kill();
    await once(listener, 'close');
    rmSync(folder, { recursive: true });
  });
  const hear = (pattern: RegExp, from = 0) =>
    until(`the word ${pattern}`, () => heard.slice(from).some((line) => pattern.test(line)));

  it('is that it is ready, that it lives, and that it stops', { timeout: 20_000 }, async () => {
    await hear(/listening/);
    let asked = 0;
    const supervisor = openSupervisor({
      log,
      isWell: () => ++asked > 0,
      environment: { PATH: process.env.PATH, NOTIFY_SOCKET, WATCHDOG_USEC: '200000' },
    });
    supervisor.ready();
    await hear(/READY=1/);
    await hear(/WATCHDOG=1/);
    assert.ok(asked > 0, 'only after it was asked whether it is well');
    supervisor.stopping();
    await hear(/STOPPING=1/);
  });

  it('is nothing while the service is not well', { timeout: 20_000 }, async () => {
    let asked = 0;
    const environment = { PATH: process.env.PATH, NOTIFY_SOCKET, WATCHDOG_USEC: '100000' };
    const unwell = openSupervisor({ log, isWell: () => ++asked < 0, environment });
    const from = heard.length;
    unwell.ready();
    await hear(/READY=1/, from);
    await until('it to be asked three times', () => asked >= 3);
    unwell.stopping();
    await hear(/STOPPING=1/, from);
    assert.ok(!heard.slice(from).includes('WATCHDOG=1'), 'no sign of life');
  });
});

describe('a service that systemd did not start', () => {
  it('says nothing', () => {
    const supervisor = openSupervisor({ log, environment: {} });
    supervisor.ready();
    supervisor.stopping();
  });
});
