/** How photos come in: dropped anywhere on the page, picked, or pasted. */
import { announce, byId } from '../dom.ts';
import { count } from '../words.ts';
import { type Dropped, filesOf } from './dropped.ts';

export function openIntake(take: (files: readonly File[]) => void): void {
  const zones = document.querySelectorAll('.drop'); // Each view has one, and one view is shown.
  const mark = (isOver: boolean): void => {
    for (const zone of zones) zone.classList.toggle('over', isOver);
  };
  const input = byId('files', 'input');
  byId('pick', 'button').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    takeDropped({ files: [...(input.files ?? [])], passedOver: 0 });
    input.value = ''; // So that the same file can be picked again.
  });
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) takeDropped({ files, passedOver: 0 });
  });
  const accept = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    mark(true);
  };
  // A drop right after the pointer or the layout moved follows `dragenter`, with no `dragover` between.
  document.addEventListener('dragenter', accept);
  document.addEventListener('dragover', accept);
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  document.addEventListener('drop', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    mark(false);
    filesOf(event.dataTransfer).then(takeDropped, () => {
      say('The folder cannot be read: drop its photos instead.');
    });
  });

  function takeDropped({ files, passedOver }: Dropped): void {
    const others = passedOver === 0 ? '' : `${count(passedOver, 'other file')} left out.`;
    if (files.length === 0) say(`There are no photos in this folder. ${others}`.trim());
    else say(others);
    take(files);
  }
}

function say(words: string): void {
  const note = byId('intake-note', 'p');
  note.textContent = words;
  note.hidden = words === '';
  if (words !== '') announce(words);
}
