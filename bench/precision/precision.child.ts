/**
 * A recognizer in one precision, or one trial, in a process of its own: oneDNN reads which instructions it
 * may use when it is loaded. Arguments: model folder, precision or `trial`, photos.
 */
import { readFile } from 'node:fs/promises';
import { runTrial } from '../../model/backend/trial.ts';
import { loadRecognizer, type Precision } from '../../model/index.ts';
import { loadAddon } from '../../model/native/load.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { ChildWord } from './precision.ts';

const [directory = '', what = '', ...paths] = process.argv.slice(2);
const say = (word: ChildWord): void => void process.send?.(word);

process.on('disconnect', () => process.exit());

/** ms of wall clock and of the processor that `work` takes. */
async function timed(work: () => unknown): Promise<{ wallMs: number; processorMs: number }> {
  const used = process.cpuUsage();
  const begun = performance.now();
  await work();
  const wallMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(used);
  return { wallMs, processorMs: (user + system) / 1000 };
}

try {
  if (what === 'trial') {
    loadAddon(1);
    say({ kind: 'pass', ...(await timed(() => runTrial(directory, 1))) });
    process.disconnect();
  } else {
    const photos = await Promise.all(paths.map((path) => readFile(path)));
    const recognizer = await loadRecognizer(directory, {
      backend: 'tensorflow',
      precision: what as Precision | 'auto',
      warmUp: true,
    });
    const pass = async (): Promise<void> => {
      for (const photo of photos) await recognizer.recognize(photo);
    };
    // Not measured: kernels for the photos' own sizes, and float32 where bfloat16 has second looks.
    await pass();
    const { precision, precisionReason: reason } = recognizer;
    process.on('message', async () => say({ kind: 'pass', ...(await timed(pass)) }));
    say({ kind: 'ready', precision, reason });
  }
} catch (error) {
  say({ kind: 'failed', message: messageOf(error).split('\n')[0]! });
  process.disconnect();
}
