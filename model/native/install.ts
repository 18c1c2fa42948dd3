/**
 * The package's postinstall: makes tfjs-node load, or says in one line that the wasm backend takes over.
 * It never fails an install. Run it by hand to see every step.
 */
import { firstThatWorks, waysToTfjsNode } from './set-up.ts';

const say = (line: string): void => console.error(`elastic-face: ${line}`);
const { way, reasons } = await firstThatWorks(
  waysToTfjsNode({ say, show: process.stderr.isTTY === true }),
);
if (way === undefined) {
  say(
    `TensorFlow's native library could not be set up, so the slower wasm backend takes over (${reasons.join('; ')})`,
  );
} else {
  say(`TensorFlow's native library is ready (${way})`);
}
