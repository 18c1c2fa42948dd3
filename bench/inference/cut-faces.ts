/** Faces for the encoders, cut from photos by this project, whoever takes part. */
import { type Places, parties } from './parties.ts';
import { Peer } from './peer.ts';

/** Writes `count` faces into the file `out`: of the photos in turn, over and over where they are fewer. */
export async function cutFaces(
  out: string,
  count: number,
  paths: readonly string[],
  places: Places,
  cores: string | undefined,
): Promise<string> {
  const own = parties.find(({ id }) => id === 'own-float32')!;
  const peer = new Peer('cutting faces', own.program(places), cores);
  try {
    await peer.ready();
    await peer.ask({ do: 'cut', paths, count, out });
    return out;
  } finally {
    await peer.close();
  }
}
