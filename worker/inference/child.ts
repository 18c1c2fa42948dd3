/**
 * The inference process: the model behind the worker's channel. A process of its own, since its calls
 * hold the event loop for as long as they compute, and native code can take a process down with it.
 * Arguments: model folder, backend, threads. Knows nothing of queues.
 */

import type { Backend } from '../../model/index.ts';
import { keepCompiled, writeCompiled } from '../../runtime/compile-cache.ts';
import type { Answer } from './protocol.ts';
import { serveInference } from './serve.ts';

/** How many of the nearest people an answer names. */
const NEAREST = 3;

const [directory = '', backend = 'auto', threads = '1'] = process.argv.slice(2);

keepCompiled();
await serveInference(async () => {
  // Imported here, so that the signals of serve.ts are handled before the native library loads.
  const { loadRecognizer } = await import('../../model/index.ts');
  const { outcomeOf, refusalOf } = await import('./outcome.ts');
  const recognizer = await loadRecognizer(directory, {
    backend: backend as Backend | 'auto',
    threads: Number(threads),
    warmUp: true,
    onFallback: (reason) => process.stderr.write(`${reason}\n`),
  });
  writeCompiled();
  const answerTo = async (bytes: Uint8Array): Promise<Answer> => {
    try {
      const recognition = await recognizer.recognize(bytes, { top: NEAREST });
      return { outcome: outcomeOf(recognition), timings: { ...recognition.timings } };
    } catch (error) {
      const outcome = refusalOf(error);
      if (outcome === undefined) throw error;
      return { outcome, timings: {} };
    }
  };
  return {
    backend: recognizer.backend,
    // One after the other is what the recogniser does: the first would only wait for the last.
    together: 1,
    async compute(photos) {
      const answers: Answer[] = [];
      for (const photo of photos) answers.push(await answerTo(photo));
      return answers;
    },
  };
});
