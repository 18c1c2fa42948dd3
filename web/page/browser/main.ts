/** Puts the page together. */

import { announce, byId } from './dom.ts';
import { openBurst } from './intake/burst.ts';
import { openCamera } from './intake/camera.ts';
import { openIntake } from './intake/intake.ts';
import { listSamples, loadSample } from './intake/samples.ts';
import { openPeople } from './people/people.ts';
import { openPhotos } from './photos/photos.ts';
import { openSystem } from './system/system.ts';
import { openTabs } from './tabs.ts';

/** Photos that a burst can be made of. */
const MOST_CHOSEN = 100;
const burst = openBurst();
const photos = openPhotos();
let chosen: readonly File[] = [];

function take(files: readonly File[]): void {
  void photos.add(files);
  chosen = [...chosen, ...files].slice(-MOST_CHOSEN);
  burst.offerChosen(chosen);
}

const camera = openCamera();
camera.offer(byId('camera-open', 'button'), take);
const people = openPeople(camera);
const tabs = openTabs({ people: people.show });
openIntake((files) => (tabs.shown() === 'people' ? people.take(files) : take(files)));
openSystem();

const samples = await listSamples();
burst.offerSamples(samples);
const sample = byId('sample', 'button');
sample.hidden = samples.length === 0;
sample.addEventListener('click', async () => {
  const name = samples[Math.floor(Math.random() * samples.length)] as string;
  try {
    await photos.add([await loadSample(name)]);
  } catch {
    announce('The sample could not be loaded.');
  }
});
