/** Networks with the sieves of detection, for their tests. */
import { modelDirectory } from '../../test/model.fixture.ts';
import { BackendError } from '../errors.ts';
import { tfjsNodeFolder } from '../native/paths.ts';
import { addOwnAddon } from '../native/set-up/own-addons.ts';
import type { Networks } from '../networks.ts';
import { openNetworks } from './open-networks.ts';

export interface Sieved {
  /** A sieve is missing where it cannot be compiled or does not run. */
  readonly networks?: Networks;
  /** Why there is no sieve. */
  readonly unavailable: string;
}

export async function openSieved(): Promise<Sieved> {
  try {
    await addOwnAddon('sieve', tfjsNodeFolder);
    const networks = await openNetworks(await modelDirectory(), { backend: 'tensorflow' });
    const unavailable = 'needs a C++ compiler, and a processor with AVX-512 and VNNI';
    return { networks, unavailable };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { unavailable: error.message };
  }
}
