import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { readSettings, settingsSchema } from '../../runtime/settings.ts';
import { buildGo, run, whyNoGo } from './go.fixture.ts';

const folder = import.meta.dirname;
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');

const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  stop_grace_period: z.string().optional(),
});
const composeSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), serviceSchema),
});

function read(file: string): z.output<typeof composeSchema> {
  return composeSchema.parse(parse(readFileSync(join(folder, file), 'utf8'), { merge: true }));
}

/** What Compose puts in place of `${NAME:-default}` and `${NAME:?error}`. */
function filled(value: string, given: Readonly<Record<string, string>>): string {
  return value.replace(
    /\$\{(\w+):([-?])([^}]*)\}/g,
    (_, name: string, kind: string, text: string) => given[name] ?? (kind === '-' ? text : ''),
  );
}

/** Settings in effect; a name without a value takes the one of the shell, which has none here. */
function settingsOf(environment: Readonly<Record<string, string | null>>) {
  const given = Object.entries(environment).flatMap(([name, value]) =>
    value === null ? [] : [[name, filled(value, { PROJECT_ID: 'demo' })]],
  );
  return readSettings({}, Object.fromEntries(given));
}

const secondsOf = (text = '10s'): number => Number(text.replace('s', ''));

for (const file of ['compose.yaml', 'compose.aws.yaml']) {
  describe(file, () => {
    const services = read(file).services;
    const own = Object.entries(services).filter(([, { image }]) => image === 'elastic-face');

    it('gives only settings that there are, with values that they accept', () => {
      const credentials = /^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/;
      for (const [service, { environment }] of own) {
        for (const name of Object.keys(environment)) {
          assert.ok(name in settingsSchema.shape || credentials.test(name), `${service}: ${name}`);
        }
        assert.equal(settingsOf(environment).REDIS_URL, 'redis://redis:6379');
      }
    });

    it('runs commands of the image, and is reached from this machine only', () => {
      const program = readFileSync(join(folder, '../../elastic-face.ts'), 'utf8');
      const port = /^EXPOSE (\d+)$/m.exec(dockerfile)?.[1];
      for (const [service, { command, ports, environment }] of own) {
        assert.match(program, new RegExp(`^ {2}'?${command[0]}'?: \\(\\) => import`, 'm'), service);
        assert.equal(String(settingsOf(environment).PORT), port);
        for (const mapping of ports) assert.equal(mapping, `127.0.0.1:${port}:${port}`);
      }
      assert.equal(own.flatMap(([, { ports }]) => ports).length, 1);
    });

    it('lets each service end as long as it may take', () => {
      for (const [, { command, environment, stop_grace_period: grace }] of own) {
        const settings = settingsOf(environment);
        const needed = {
          web: settings.STOP_SECONDS,
          worker: settings.VISIBILITY_SECONDS,
          start: 40,
        };
        const seconds = needed[command[0] as keyof typeof needed] ?? 0;
        assert.ok(secondsOf(grace) > seconds, command[0]);
      }
    });

    const skip = whyNoGo('CONTAINERS', 'builds the loader with Go');
    it('is accepted by the loader of docker compose', { skip, timeout: 600_000 }, () => {
      const loader = buildGo(join(folder, 'compose'), 'compose');
      const said = run(loader, [join(folder, file)], { environment: { PROJECT_ID: 'demo' } });
      const project = z
        .looseObject({ services: z.record(z.string(), z.looseObject({})) })
        .parse(JSON.parse(said));
      assert.deepEqual(Object.keys(project.services).sort(), Object.keys(services).sort());
      if (file === 'compose.aws.yaml')
        assert.throws(() => run(loader, [join(folder, file)]), /Set PROJECT_ID/);
    });
  });
}

describe('compose.yaml', () => {
  it('keeps the queues and objects of the embedded cloud in a volume that the image’s user may write', () => {
    const { environment, volumes } = read('compose.yaml').services['elastic-face']!;
    const data = environment.LOCAL_DATA_DIR;
    assert.deepEqual(volumes, [`data:${data}`]);
    const [, user] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? [];
    assert.ok(dockerfile.includes(`install -d -o ${user} -g ${user} ${data}`));
  });

  it('listens on all addresses of its container', () => {
    const { environment } = read('compose.yaml').services['elastic-face']!;
    assert.equal(settingsOf(environment).HOST, '0.0.0.0');
  });
});

describe('compose.aws.yaml', () => {
  it('names the project to which queues and buckets belong, or does not start', () => {
    const { worker, web } = read('compose.aws.yaml').services;
    for (const service of [worker!, web!]) {
      assert.match(service.environment.PROJECT_ID ?? '', /^\$\{PROJECT_ID:\?.+\}$/);
      assert.equal(settingsOf(service.environment).AWS_EC2_METADATA_DISABLED, 'true');
    }
  });
});
