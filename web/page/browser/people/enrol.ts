/** The form that adds a person, or photos of one, from dropped, chosen or taken photos. */
import { PostError } from '../api.ts';
import { announce, byId, h } from '../dom.ts';
import type { Camera } from '../intake/camera.ts';
import { count, shortName } from '../words.ts';
import { settleDoubts } from './doubts.ts';
import { expiryField } from './expiry.ts';
import { call, type Enrolment, formOf, type ListedPerson, wordsOf } from './gallery-api.ts';

/** Photos of one request. */
const MOST = 10;
const ACCEPTED = 'image/jpeg,image/png,image/webp,image/gif,image/tiff,image/avif';

export interface EnrolForm {
  take(files: readonly File[]): void;
  /** The next photos are of this person. */
  addTo(person: ListedPerson): void;
}

/** @param onChange called after the gallery changed */
export function openEnrol(camera: Camera, onChange: () => void): EnrolForm {
  const form = byId('enrol', 'form');
  const title = h('h3', { id: 'enrol-title' }, 'Add a person');
  const name = h('input', {
    id: 'enrol-name',
    required: true,
    maxlength: 200,
    autocomplete: 'off',
  });
  const consent = h('textarea', { id: 'enrol-consent', maxlength: 500, rows: 2 });
  const expires = expiryField();
  const files = h('input', {
    id: 'enrol-files',
    type: 'file',
    accept: ACCEPTED,
    multiple: true,
    hidden: true,
    'aria-label': 'Photos of the person',
  });
  const pick = h('button', { type: 'button', id: 'enrol-pick' }, 'Choose photos');
  const open = h('button', { type: 'button', id: 'enrol-camera' }, 'Use the camera');
  const list = h('ul', { class: 'enrol-photos', 'aria-label': 'Photos to add' });
  const trouble = h('div', { class: 'trouble', role: 'alert', hidden: true });
  const send = h('button', { type: 'submit', class: 'main', id: 'enrol-send' }, 'Add the person');
  const cancel = h('button', { type: 'button', hidden: true }, 'Add a new person instead');
  const details = h(
    'div',
    { class: 'enrol-details' },
    h('label', { class: 'field' }, 'Consent: when and how the person agreed', consent),
    expires.element,
  );
  form.append(
    title,
    h('label', { class: 'field' }, 'Name', name),
    details,
    h(
      'div',
      { class: 'drop' },
      h('p', {}, h('strong', {}, 'Drop 1 to 10 photos'), ' that show this person alone, or'),
      h('div', { class: 'buttons' }, pick, open),
      files,
    ),
    list,
    trouble,
    h('div', { class: 'buttons' }, send, cancel),
  );
  let photos: readonly File[] = [];
  let target: ListedPerson | undefined;

  const showPhotos = (): void => {
    const items = photos.map((photo, at) => {
      const remove = h('button', { type: 'button', 'aria-label': `Remove ${photo.name}` }, '×');
      remove.addEventListener('click', () => {
        photos = photos.toSpliced(at, 1);
        showPhotos();
        pick.focus();
      });
      return h('li', { title: photo.name }, h('span', {}, shortName(photo.name)), remove);
    });
    list.replaceChildren(...items);
  };
  const say = (words: string, ...buttons: HTMLButtonElement[]): void => {
    trouble.replaceChildren(h('p', {}, words), ...buttons);
    trouble.hidden = words === '';
  };
  const setTarget = (person: ListedPerson | undefined): void => {
    target = person;
    title.textContent = person ? `Add photos of ${person.name}` : 'Add a person';
    send.textContent = person ? 'Add the photos' : 'Add the person';
    name.value = person?.name ?? '';
    name.readOnly = person !== undefined;
    details.hidden = person !== undefined;
    cancel.hidden = person === undefined;
    say('');
  };
  const take = (added: readonly File[]): void => {
    photos = [...photos, ...added];
    const left = photos.length - MOST;
    photos = photos.slice(0, MOST);
    showPhotos();
    say(left > 0 ? `At most ${MOST} photos at once: ${count(left, 'photo')} left out.` : '');
    announce(`${count(photos.length, 'photo')} to add.`);
    (name.value === '' ? name : send).focus();
  };
  const again = (words: string, more: Readonly<Record<string, string>>): HTMLButtonElement => {
    const button = h('button', { type: 'button' }, words);
    button.addEventListener('click', () => void enrol(more));
    return button;
  };
  async function enrol(more: Readonly<Record<string, string>> = {}): Promise<void> {
    if (photos.length === 0) {
      say('Choose at least one photo of the person.');
      return pick.focus();
    }
    send.disabled = true;
    say('');
    announce('The photos were sent.');
    const given = name.value.trim();
    try {
      const fields = target
        ? more
        : { name: given, consent: consent.value.trim(), expires: expires.moment(), ...more };
      const path = target ? `v1/people/${target.id}/faces` : 'v1/people';
      const enrolment = await call<Enrolment>('POST', path, formOf(photos, fields));
      const isKept = await settleDoubts(enrolment);
      if (isKept) announce(`${given} was added with ${count(enrolment.added.length, 'photo')}.`);
      photos = [];
      showPhotos();
      form.reset();
      setTarget(undefined);
      onChange();
      name.focus();
    } catch (error) {
      const code = error instanceof PostError ? error.code : undefined;
      const buttons =
        code === 'low-quality'
          ? [again('Enrol anyway', { ...more, accept: 'low-quality' })]
          : code === 'name-taken'
            ? [again(`Add the photos to ${given}`, { ...more, add: 'true' })]
            : [];
      say(wordsOf(error), ...buttons);
      (buttons[0] ?? send).focus();
    } finally {
      send.disabled = false;
    }
  }

  pick.addEventListener('click', () => files.click());
  files.addEventListener('change', () => {
    take([...(files.files ?? [])]);
    files.value = '';
  });
  camera.offer(open, take);
  cancel.addEventListener('click', () => {
    setTarget(undefined);
    name.focus();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void enrol();
  });
  return {
    take,
    addTo(person) {
      setTarget(person);
      form.scrollIntoView({ block: 'nearest' });
      pick.focus();
    },
  };
}
