/** Asks for the API key where the server needs one, and keeps it in this tab's session storage only. */
import { byId } from './dom.ts';

const STORED = 'elastic-face-key';
const form = byId('key', 'form');
const field = byId('key-field', 'input');
const word = byId('key-word', 'label');
let given = Promise.withResolvers<void>();

export function keyHeaders(): Record<string, string> {
  const key = sessionStorage.getItem(STORED);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Shows the form and resolves when a key is entered. */
export function askForKey(): Promise<void> {
  if (form.hidden) {
    const before = sessionStorage.getItem(STORED) !== null;
    word.textContent = before ? 'The server does not accept this key.' : 'This server needs a key.';
    form.hidden = false;
    field.focus();
  }
  return given.promise;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(STORED, field.value.trim());
  field.value = '';
  form.hidden = true;
  given.resolve();
  given = Promise.withResolvers();
});
