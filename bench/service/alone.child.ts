/**
 * Inference and nothing else, in a process as a worker has it: photos of a folder, one after the other,
 * for the seconds that it is given. Arguments: model folder, backend, precision, threads,
 * folder of photos.
 */
import { readFile } from 'node:fs/promises';
import { type Backend, loadRecognizer, type Precision } from '../../model/index.ts';
import { listImages } from '../../workload/photos.ts';

const [directory = '', backend = 'auto', precision = 'auto', threads = '1', folder = ''] =
  process.argv.slice(2);
const recognizer = await loadRecognizer(directory, {
  backend: backend as Backend | 'auto',
  precision: precision as Precision | 'auto',
  threads: Number(threads),
  warmUp: true,
});
const images = await listImages(folder);

async function run(count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const bytes = await readFile(images[at % images.length]!.path);
    await recognizer.recognize(bytes, { top: 3 });
  }
  process.send?.({ done: count });
}

process.on('disconnect', () => process.exit(0));
process.on('message', (count: number) => void run(count));
process.send?.({ ready: recognizer.backend });
