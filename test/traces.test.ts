import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { until } from './condition.fixture.ts';
import { plainPhoto } from './form.fixture.ts';
import { type SlowStack, startSlowStack } from './slow-stack.fixture.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
/** The local stack kills a web tier that takes 30 s to stop. */
const MOST_STOP_MS = 20_000;

/** What of OTLP in JSON is looked at here. */
const batchSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({
        attributes: z.array(
          z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) }),
        ),
      }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              name: z.string(),
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
            }),
          ),
        }),
      ),
    }),
  ),
});

type Received = z.output<
  typeof batchSchema
>['resourceSpans'][number]['scopeSpans'][number]['spans'][number] & {
  readonly service: string;
  readonly place: string;
};

/** An OTLP collector that keeps what it is sent. */
async function startCollector() {
  const spans: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    assert.equal(request.url, '/v1/traces');
    for (const { resource, scopeSpans } of batchSchema.parse(JSON.parse(body)).resourceSpans) {
      const fact = (name: string): string =>
        resource.attributes.find(({ key }) => key === name)?.value.stringValue ?? '';
      const about = { service: fact('service.name'), place: fact('place') };
      for (const { spans: some } of scopeSpans) {
        for (const span of some) spans.push({ ...span, ...about });
      }
    }
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close: () => server.close(),
  };
}

async function post(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const form = new FormData();
  form.set('inputFile', new Blob([new Uint8Array(await plainPhoto(77))]), 'traced.jpg');
  return fetch(url, { method: 'POST', body: form, headers });
}

describe('a request that is traced', { timeout: 120_000 }, () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let slow: SlowStack;
  let id = '';
  before(async () => {
    collector = await startCollector();
    process.env.OTEL_RESOURCE_ATTRIBUTES = 'place=here';
    slow = await startSlowStack(0.05, {
      PROJECT_ID: 'traces',
      MAX_INSTANCES: 1,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    const answer = await post(slow.stack.webUrl, { traceparent: `00-${TRACE}-${CALLER}-01` });
    assert.equal(answer.status, 200);
    id = answer.headers.get('x-request-id') ?? '';
  });
  after(async () => {
    await slow?.stop();
    collector?.close();
  });

  it('is one trace from the client’s span through web and worker', async () => {
    const wanted = ['POST /', 'store photo', 'send request', 'process request', 'fetch', 'reply'];
    const named = await until('all spans to be exported', () => {
      const spans = new Map(collector.spans.map((span) => [span.name, span]));
      return wanted.every((name) => spans.has(name)) && spans;
    });
    const parents = Object.fromEntries(
      [...named.values()].map(({ name, parentSpanId }) => [
        name,
        [...named.values()].find(({ spanId }) => spanId === parentSpanId)?.name ?? parentSpanId,
      ]),
    );
    assert.deepEqual(parents, {
      'POST /': CALLER,
      'store photo': 'POST /',
      'send request': 'POST /',
      'process request': 'send request',
      fetch: 'process request',
      wait: 'process request',
      compute: 'process request',
      decode: 'compute',
      detect: 'compute',
      embed: 'compute',
      match: 'compute',
      write: 'process request',
      reply: 'process request',
    });
    for (const span of named.values()) {
      assert.equal(span.traceId, TRACE);
      assert.equal(span.place, 'here', 'the variables of OpenTelemetry reach every service');
      assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
    }
    assert.equal(named.get('POST /')?.service, 'elastic-face-web');
    assert.equal(named.get('process request')?.service, 'elastic-face-worker');
  });

  it('can be followed through the logs of all services by its id, or how that begins', () => {
    const logs = (...flags: string[]) =>
      spawnSync(
        process.execPath,
        [fileURLToPath(new URL('../elastic-face.ts', import.meta.url)), 'logs', ...flags],
        {
          encoding: 'utf8',
          env: { ...process.env, LOCAL_DATA_DIR: dirname(slow.stack.logFolder) },
        },
      );
    const { stdout, status } = logs('--request', id, '--json');
    const lines = stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { service: string; msg: string; request: string; trace?: string },
      );
    assert.equal(status, 0);
    assert.deepEqual(
      // The worker says so after its reply is out, and the web tier may be quicker.
      lines.map(({ service, msg }) => `${service}: ${msg}`).sort(),
      ['web: Answered', 'web: Queued', 'worker: Answered'],
    );
    assert.ok(lines.every(({ request }) => request === id));
    assert.equal(lines[0]?.trace?.split('-')[1], TRACE);
    const forPeople = logs('--request', id.slice(0, 8), '--service', 'worker');
    assert.match(forPeople.stdout, /^\d\d:\d\d:\d\d\.\d{3} {2}worker i-\w+ .* Answered {2}/);
    const none = logs('--request', 'ffffffff-no-such');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /^No such line in .*LOCAL_DATA_DIR/);
  });
});

it('a collector that takes spans and never answers keeps nobody waiting', {
  timeout: 120_000,
}, async () => {
  let asked = 0;
  let stopping: number;
  const mute = createServer(() => {
    asked += 1;
  }).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const slow = await startSlowStack(0.05, {
    PROJECT_ID: 'untraced',
    MAX_INSTANCES: 1,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`,
  });
  try {
    assert.equal((await post(slow.stack.webUrl)).status, 200);
    await until('spans to be on their way', () => asked > 0, { limitMs: 20_000 });
    assert.equal((await post(slow.stack.webUrl)).status, 200);
    const log = join(slow.stack.logFolder, 'web.log');
    await until(
      'the log to tell of it',
      () => /Cannot export traces/.test(readFileSync(log, 'utf8')),
      {
        limitMs: 20_000,
      },
    );
  } finally {
    stopping = performance.now();
    await slow.stop();
    mute.closeAllConnections();
    mute.close();
  }
  assert.ok(performance.now() - stopping < MOST_STOP_MS);
});

it('a collector that is away changes nothing', { timeout: 120_000 }, async () => {
  const slow = await startSlowStack(0.05, {
    PROJECT_ID: 'untraced',
    MAX_INSTANCES: 1,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  });
  try {
    assert.equal((await post(slow.stack.webUrl)).status, 200);
  } finally {
    await slow.stop();
  }
});

it('without a collector nothing of the SDK is loaded', () => {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (/^@opentelemetry.(?!api)/.test(specifier)) throw new Error('loads ' + specifier);
        return next(specifier, context);
      },
    });
    const { openTracing } = await import('${new URL('../runtime/tracing/open.ts', import.meta.url)}');
    await import('${new URL('../web/service.ts', import.meta.url)}');
    await import('${new URL('../worker/service.ts', import.meta.url)}');
    const tracing = await openTracing({ settings: {} });
    console.log(tracing.start('a', undefined).traceparent);
    await openTracing({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } }).catch(
      (error) => console.log(error.message),
    );
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^undefined\nloads @opentelemetry\/[a-z-]+\n$/, stderr);
});
