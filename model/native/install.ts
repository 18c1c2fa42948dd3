/**
 * The package's postinstall: sets tfjs-node up, or says in one line that the wasm backend takes over. Own addons that
 * are missing are named, with what that costs. It never fails an installation. Run by hand, it prints every step.
 */
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';

const say = (line: string): void => console.error(`elastic-face: ${line}`);

async function reasonsWhyNot(): Promise<readonly string[]> {
  try {
    // Imported here, because a missing package must not fail the installation either.
    const { takeFolderWarning } = await import('../../runtime/folders.ts');
    const warning = takeFolderWarning();
    if (warning !== undefined) say(warning);
    const { setUp } = await import('./set-up/set-up.ts');
    const { way, reasons, missing } = await setUp({ say, show: process.stderr.isTTY === true });
    if (way === undefined) return reasons;
    say(`TensorFlow's native library is ready (${way})`);
    for (const sentence of missing) say(sentence);
    if (missing.length > 0) say(`try again with \`${commandLine('setup-native')}\``);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

const reasons = await reasonsWhyNot();
if (reasons.length > 0) {
  say(
    `the slower wasm backend takes over, with the same answers, because TensorFlow's native library could not be set up (${reasons.join('; ')}); try again with \`${commandLine('setup-native')}\``,
  );
}
