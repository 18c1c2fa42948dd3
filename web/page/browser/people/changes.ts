/** What can be done with a person: edit, merge, forget. Each asks first, in a dialog. */
import { announce, h } from '../dom.ts';
import { count } from '../words.ts';
import { ask, CANCEL } from './dialogs.ts';
import { expiryField } from './expiry.ts';
import { call, type ListedPerson, personNamed, type Receipt } from './gallery-api.ts';
import { metadataField } from './metadata.ts';
import { nameField } from './name-field.ts';
import { showReceipt } from './receipts.ts';

/** Each resolves with whether the gallery was changed. */
type Change = (person: ListedPerson) => Promise<boolean>;

export const edit: Change = async (person) => {
  const { id, name, metadata, consent, expires } = person;
  const names = h('input', { required: true, maxlength: 200, autocomplete: 'off', value: name });
  const note = h('textarea', { maxlength: 500, rows: 2 }, consent);
  const day = expiryField(expires);
  const data = metadataField(metadata);
  const chosen = await ask({
    title: `Edit ${name}`,
    content: [
      h('label', { class: 'field' }, 'Name', names),
      h('label', { class: 'field' }, 'Consent: when and how the person agreed', note),
      day.element,
      data.element,
    ],
    choices: [{ value: 'save', words: 'Save', look: 'main' }, CANCEL],
    async act() {
      const changes = {
        ...(names.value.trim() !== name && { name: names.value.trim() }),
        ...(note.value.trim() !== (consent ?? '') && { consent: note.value.trim() || null }),
        ...(data.isChanged() && { metadata: data.value() ?? null }),
        ...(day.isChanged() && { expires: day.moment() ?? null }),
      };
      if (Object.keys(changes).length > 0) await call('PATCH', `v1/people/${id}`, changes);
      return undefined;
    },
  });
  if (chosen !== 'save') return false;
  announce(`${names.value.trim()} was saved.`);
  return true;
};

/** Asks for the person that `from` is merged into. */
export const mergeInto: Change = async (from) => {
  const field = nameField(`${from.name} is the same person as`, from.name);
  let into: ListedPerson | undefined;
  await ask({
    title: `Merge ${from.name}`,
    content: [field.element],
    choices: [{ value: 'merge', words: 'Continue', look: 'main' }, CANCEL],
    async act() {
      into = await personNamed(field.input.value);
      if (into === undefined) return 'There is no person with this name: choose one of the list.';
      if (into.id !== from.id) return undefined;
      into = undefined;
      return 'A person cannot be merged with itself: choose another one.';
    },
  });
  return into !== undefined && merge(from, into);
};

export async function merge(from: ListedPerson, into: ListedPerson): Promise<boolean> {
  const chosen = await ask({
    title: `Merge ${from.name} into ${into.name}?`,
    content: [
      h(
        'p',
        {},
        `${count(from.faces, 'face')} of ${from.name} will be ${into.name}'s. The name ${from.name} is removed.`,
      ),
    ],
    choices: [{ value: 'merge', words: `Merge into ${into.name}`, look: 'main' }, CANCEL],
    async act() {
      await call('POST', `v1/people/${into.id}/merge`, { from: from.id });
      return undefined;
    },
  });
  if (chosen !== 'merge') return false;
  announce(`${from.name} was merged into ${into.name}.`);
  return true;
}

export const forget: Change = async ({ id, name }) => {
  const answers = h('input', { type: 'checkbox' });
  let receipt: Receipt | undefined;
  const chosen = await ask({
    title: `Forget ${name}?`,
    content: [
      h(
        'p',
        {},
        `The faces and the name are erased from the gallery, from its earlier versions and from kept answers. This cannot be undone.`,
      ),
      h('label', { class: 'check' }, answers, `Also delete stored results that name ${name}`),
    ],
    choices: [{ value: 'forget', words: `Forget ${name}`, look: 'danger' }, CANCEL],
    async act() {
      receipt = await call('DELETE', `v1/people/${id}${answers.checked ? '?answers=true' : ''}`);
      return undefined;
    },
  });
  if (chosen !== 'forget' || receipt === undefined) return false;
  await showReceipt(name, receipt);
  return true;
};
