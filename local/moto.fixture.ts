/** moto_server: AWS as others imitate it, to hold ours against. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../test/condition.fixture.ts';
import { missingPython } from './python.fixture.ts';
import { freePort } from './redis.ts';

export interface Moto {
  readonly url: string;
  stop(): Promise<void>;
}

/** A word for `skip`, or false when it can be started here. */
export function missingMoto(): Promise<string | false> {
  return missingPython('moto.server', 'flask_cors');
}

/** Its threads check a PUT's condition and write later: one PUT at a time, or two that exclude each other succeed. */
const SERVER = `
import sys, threading
from moto import server
put = threading.Lock()
answer = server.DomainDispatcherApplication.__call__
def answer_one_put(self, environ, start_response):
    if environ['REQUEST_METHOD'] != 'PUT':
        return answer(self, environ, start_response)
    with put:
        return answer(self, environ, start_response)
server.DomainDispatcherApplication.__call__ = answer_one_put
server.main(sys.argv[1:])
`;

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const server = spawn('python3', ['-c', SERVER, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, MOTO_EC2_LOAD_DEFAULT_AMIS: 'true' },
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('moto', answers, { limitMs: 60_000 });
  return {
    url,
    async stop() {
      if (server.exitCode !== null) return;
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
  };
}
