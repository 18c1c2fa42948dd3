/** KEDA from its Go module: its definitions for a cluster, and a program around its SQS scaler. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { folders } from '../../runtime/folders.ts';
import { buildGo, run } from '../container/go.fixture.ts';

const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';
const moduleSchema = z.object({ Dir: z.string() });

/** KEDA's source in Go's module cache, fetched if it is missing. */
function kedaSource(): string {
  return moduleSchema.parse(JSON.parse(run('go', ['mod', 'download', '-json', KEDA]))).Dir;
}

/** Files that define, for a cluster, the kinds of KEDA that the manifests use. */
export function kedaDefinitions(): string[] {
  const folder = join(kedaSource(), 'config/crd/bases');
  return ['scaledobjects', 'triggerauthentications'].map((kind) =>
    join(folder, `keda.sh_${kind}.yaml`),
  );
}

/** Of the package of all scalers only this: the others need the clients of eighty other services. */
const SCALER_FILES = ['scaler.go', 'aws_sqs_queue_scaler.go'];
/** A file that is left out defines this for all scalers. */
const LEFT_OUT = 'package scalers\n\nconst externalMetricType = "External"\n';

/**
 * Builds keda/main.go inside a copy of KEDA's module, with KEDA's own versions of everything it needs.
 * @returns path of the program
 */
export function buildScaler(): string {
  const source = kedaSource();
  const copy = join(folders.cache, 'go', 'keda-source');
  rmSync(copy, { recursive: true, force: true });
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), content);
  };
  for (const file of ['go.mod', 'go.sum']) write(file, readFileSync(join(source, file)));
  for (const folder of ['apis', 'pkg', 'version']) {
    const entries = readdirSync(join(source, folder), { recursive: true, withFileTypes: true });
    for (const { name, parentPath } of entries.filter((entry) => entry.isFile())) {
      const path = join(relative(source, parentPath), name);
      const isScaler = dirname(path) === 'pkg/scalers';
      if (name.endsWith('_test.go') || (isScaler && !SCALER_FILES.includes(name))) continue;
      write(path, readFileSync(join(source, path)));
    }
  }
  write('pkg/scalers/left_out.go', LEFT_OUT);
  write('cmd/queue/main.go', readFileSync(join(import.meta.dirname, 'keda/main.go')));
  return buildGo(copy, 'keda-scaler', './cmd/queue');
}
