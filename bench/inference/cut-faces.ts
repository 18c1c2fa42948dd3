/** Faces for the encoders, cut from photos by this project, whoever takes part. */
import { ownProgram, type Places } from './parties.ts';
import { askAlone } from './peer.ts';

/** Writes `count` faces into the file `out`: of the photos in turn, over and over where they are fewer. */
export async function cutFaces(
  out: string,
  count: number,
  paths: readonly string[],
  places: Places,
  cores: string | undefined,
): Promise<string> {
  const request = { do: 'cut', paths, count, out } as const;
  await askAlone('cutting faces', ownProgram(places), cores, request);
  return out;
}
