/** Exact matching in galleries of any size, as a party. Arguments: model folder. */

import { readManifest } from '../../../model/manifest.ts';
import { readGallery } from '../../../model/match/gallery.ts';
import { GalleryMatcher } from '../../../model/match/gallery-matcher.ts';
import { MadePeople } from './made-people.ts';
import { serve } from './serve.ts';

const [directory = ''] = process.argv.slice(2);
const real = await readGallery(directory);
const { bfloat16Bound = 0 } = await readManifest(directory);

await serve(
  {
    async match({ people, spread, times }) {
      const made = new MadePeople(real.embeddings, spread);
      const embeddings = made.people(people);
      const names = Array.from({ length: people }, (_, person) => `person ${person}`);
      const begun = performance.now();
      const matcher = GalleryMatcher.of({ names, embeddings });
      const prepare = performance.now() - begun;
      /** Everything that the matcher does for a face, in bfloat16 too. */
      const timed = (face: Float32Array): number => {
        const begun = performance.now();
        matcher.nearest(face, 3);
        matcher.isSettled(face, bfloat16Bound);
        return performance.now() - begun;
      };
      const known: number[] = [];
      const strangers: number[] = [];
      for (let time = 0; time < times; time++) {
        known.push(timed(made.known(embeddings)));
        strangers.push(timed(made.people(1)));
      }
      return { prepare, known, strangers };
    },
  },
  `node ${process.versions.node}`,
);
