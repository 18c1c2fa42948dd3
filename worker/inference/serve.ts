/**
 * The child's side of the channel, whatever computes the answers: says when it is ready, answers one
 * photo at a time, and leaves with its worker. Knows nothing of the model.
 */
import { ElasticFaceError, messageOf } from '../../runtime/errors.ts';
import type { Answer, Word, Work } from './protocol.ts';

export interface Computer {
  /** Shown in logs, e.g. `tensorflow`. */
  readonly backend: string;
  /** Rejects only for what is not the photo's fault. */
  compute(bytes: Uint8Array): Promise<Answer>;
}

/** @param load its typed errors are final: the worker then starts no other process */
export async function serveInference(load: () => Promise<Computer>): Promise<void> {
  // Ctrl-C and systemd's stop reach the whole group, but the worker still needs this process to
  // finish what is in hand; it ends with the channel.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));
  let computer: Computer;
  try {
    computer = await load();
  } catch (error) {
    if (!(error instanceof ElasticFaceError)) throw error;
    process.send?.({ kind: 'unfit', message: error.message } satisfies Word);
    return;
  }
  process.on('message', (work: Work) => void answer(computer, work));
  process.send?.({ kind: 'ready', backend: computer.backend } satisfies Word);
}

async function answer(computer: Computer, { number, bytes }: Work): Promise<void> {
  let word: Word;
  try {
    word = { kind: 'answer', number, ...(await computer.compute(bytes)) };
  } catch (error) {
    word = { kind: 'failed', number, message: messageOf(error) };
  }
  process.send?.(word);
}
