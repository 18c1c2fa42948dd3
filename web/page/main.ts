/** Puts the page together. */
import { openBurst } from './burst.ts';
import { openCamera } from './camera.ts';
import { addCard } from './card.ts';
import { announce, byId } from './dom.ts';
import { openIntake } from './intake.ts';
import { listSamples, loadSample } from './samples.ts';
import { openSystem } from './system.ts';

const burst = openBurst();
let chosen: readonly File[] = [];

function take(files: readonly File[]): void {
  for (const file of files) addCard(file);
  chosen = [...chosen, ...files].slice(-100);
  burst.offerChosen(chosen);
}

openIntake(take);
openCamera(take);
openSystem();

const samples = await listSamples();
burst.offerSamples(samples);
const sample = byId('sample', 'button');
sample.hidden = samples.length === 0;
sample.addEventListener('click', async () => {
  const name = samples[Math.floor(Math.random() * samples.length)] as string;
  try {
    addCard(await loadSample(name));
  } catch {
    announce('The sample could not be loaded.');
  }
});
