/** How each command of the documentation is tried. One that fits none of these fails the test. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { readSettings } from '../../runtime/settings.ts';

export type Way =
  /** Run in the scratch folder, against the one system of the test. */
  | { readonly run: true }
  /** Run by another test, which names the page it reads. */
  | { readonly by: string }
  /** Not run, and why; what can be looked at without running is. */
  | { readonly not: string; readonly check?: (line: string, folder: string) => void };

const WAYS: readonly (readonly [RegExp, Way])[] = [
  [
    /^(?:npm run people -- |node examples\/people\.mjs |curl -F name=)/,
    { not: 'wants photos of a person: operate/people.command.test.ts, examples/examples.test.ts' },
  ],
  [
    /^(?:npm run -s people -- receipt |node examples\/receipt\.mjs )/,
    { not: 'wants the receipt of somebody who was forgotten: examples/clients.test.ts' },
  ],
  [
    /^npm run convert -- --encoder /,
    { not: 'would change the model of this test: convert/compact-conversion.test.ts' },
  ],
  [/^npm run -s (?:recognize|photo|workload) /, { run: true }],
  [/^npm run (?:recognize|workload|convert|deploy:(?:synth|policies)|key) /, { run: true }],
  [
    /^curl .*https:\/\/faces\.example\.org\//,
    { not: 'wants the service of an account: web/access.test.ts sends the same' },
  ],
  [/^curl .*(?:@test_000\.jpg|\/v1\/|\/problems\/)/, { by: 'test/api.test.ts' }],
  [/^id=\$\(/, { by: 'test/api.test.ts' }],
  [/^curl .*http:\/\/127\.0\.0\.1:8000\//, { run: true }],
  [/^npm run logs -- --request [0-9a-f]+$/, { run: true }],
  [/^export [A-Z_]+=/, { run: true }],
  [/^rm -rf ~\/\S+( ~\/\S+)*$/, { run: true }],
  [/^git archive /, { run: true }],
  [/^(?:[A-Z_]+=\S+ )*npm start$/, { not: 'is the system of this test', check: knowsSettings }],
  [/^journalctl /, { not: 'wants systemd, with the project’s units in it' }],
  [
    /^(?:npm pack|npm install \S+\.tgz|npx elastic-face setup-native)$/,
    { by: 'deploy/package/package.test.ts' },
  ],
  [/^npm (?:ci|test|run check)$/, { not: 'the suite itself runs in what it has installed' }],
  [/^git clone |^cd elastic-face$/, { not: 'the checkout is there: it is under test' }],
  [/^npm run dead-letters -- (?:list|retry --all)$/, { run: true }],
  [
    /^npm run dead-letters -- show ID$/,
    { not: 'wants a dead letter: worker/dead-letters.test.ts' },
  ],
  [/^prometheus /, { not: 'wants Prometheus: deploy/monitoring/scrape.test.ts' }],
  [/^aws ec2 terminate-instances /, { not: 'wants an instance: local/ec2/lifecycle.test.ts' }],
  [
    /^npm run doctor -- /,
    { not: 'wants an account; operate/doctor/doctor.test.ts has a local one' },
  ],
  [
    /^(?:(?:FUZZ_CASES|GALLERY_SECONDS|PEOPLE_(?:TRIES|WORKERS))=\d+ )+node --test /,
    { not: 'takes minutes; test/docs/references.test.ts looks at the files' },
  ],
  [
    /^(?:pip download|npm pack) /,
    { not: 'asks a package registry, as convert/sources/registry/package-archive.test.ts does' },
  ],
  [/^node --test \S+$/, { not: 'is itself a part of the suite' }],
  [/^npm run bench -- /, { not: 'takes minutes; test/docs/references.test.ts looks at the flags' }],
  [/^python (?:workload_generator|p2_grader)\.py /, { not: 'the course’s programs are not ours' }],
  [/^deploy\/bake\/bake\.sh /, { not: 'makes an image of a machine, as root', check: bakes }],
  [/^deploy\/bake\/agents\.sh$/, { not: 'changes an image, as root' }],
  [/^aws cloudformation deploy /, { not: 'wants an account', check: fitsTemplate }],
  [/^npm run deploy:destroy -- /, { not: 'wants an account: deploy/destroy.test.ts' }],
  [
    /^aws (?:(?:(?!(?:sqs|s3|ec2|sts) )[\w-]+|s3 (?:mb|rb|sync)|ec2 deregister-image) |s3 cp \S+ s3:\/\/BUCKET\/)/,
    { by: 'test/docs/aws-commands.test.ts' },
  ],
  [/^aws (?:sqs|s3|ec2|sts) /, { by: 'local/aws-cli.test.ts' }],
  [
    /^(?:[A-Z_]+=\S+ )*docker (?:build|run|compose) /,
    { not: 'wants docker; deploy/container/ has tests of the files' },
  ],
  [
    /^cp -r deploy\/kubernetes\/|^kubectl (?:apply|delete) /,
    { not: 'wants a cluster; deploy/kubernetes/api-server.test.ts runs them on one' },
  ],
];

export function wayOf(line: string): Way | undefined {
  return WAYS.find(([pattern]) => pattern.test(line))?.[1];
}

function knowsSettings(line: string): void {
  const given = [...line.matchAll(/([A-Z_]+)=(\S+) /g)].map(([, name, value]) => [name!, value!]);
  const settings: Readonly<Record<string, unknown>> = readSettings({}, Object.fromEntries(given));
  for (const [name, value] of given) assert.equal(String(settings[name!]), value);
}

function bakes(line: string, folder: string): void {
  const script = readFileSync(join(folder, 'deploy/bake/bake.sh'), 'utf8');
  for (const [flag] of line.matchAll(/--[a-z]+/g)) assert.ok(script.includes(`${flag})`), flag);
}

/** Each parameter that is given is one of the template, which an earlier command may have made. */
function fitsTemplate(line: string, folder: string): void {
  const [, file] = /--template-file (\S+)/.exec(line) ?? [];
  const [, overrides = ''] = /--parameter-overrides (.*)$/.exec(line) ?? [];
  assert.ok(file, line);
  const text = readFileSync(join(folder, file), 'utf8');
  const template = parseDocument(text, { logLevel: 'silent' });
  for (const [, name] of overrides.matchAll(/(\w+)=/g)) {
    assert.ok(template.hasIn(['Parameters', name]), `${file} has no parameter ${name}`);
  }
}
