/** The parties compared with the compact encoder: this project with both encoders, and others that run the same network. */
import { otherNetworks } from '../other-networks.ts';
import { parties } from '../parties.ts';
import type { Party } from '../party-program.ts';

const [compact, ...peers] = otherNetworks.filter(({ id }) => id !== 'face-api-wasm') as [
  Party,
  ...Party[],
];
const facenet = parties.find(({ id }) => id === 'own-float32') as Party;

export const compactParties: readonly Party[] = [
  compact,
  { ...facenet, label: 'this project, facenet float32' },
  ...peers,
];
