/** How photos come in: dropped anywhere on the page, picked, or pasted. */
import { byId } from './dom.ts';

export function openIntake(take: (files: readonly File[]) => void): void {
  const drop = byId('drop', 'div');
  const input = byId('files', 'input');
  byId('pick', 'button').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take([...(input.files ?? [])]);
    input.value = ''; // So that the same file can be picked again.
  });
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files);
  });
  document.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) drop.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    drop.classList.remove('over');
    take([...event.dataTransfer.files]);
  });
}
