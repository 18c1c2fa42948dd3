/** The view of people: a grid by name with search and pages, kept current with what is done here. */
import { announce, byId, h } from '../dom.ts';
import type { Camera } from '../intake/camera.ts';
import { count } from '../words.ts';
import { edit, forget, merge, mergeInto } from './changes.ts';
import { openEnrol } from './enrol.ts';
import { type ListedPerson, listPeople, wordsOf } from './gallery-api.ts';
import { personCard } from './person-card.ts';
import { openVersions } from './versions.ts';

const PAGE = 48;
const PAUSE_MS = 200;

export interface People {
  /** Reads the gallery again. */
  show(): void;
  /** Photos that were dropped or pasted while the view is shown. */
  take(files: readonly File[]): void;
}

export function openPeople(camera: Camera): People {
  const list = byId('people-list', 'ul');
  const search = byId('people-search', 'input');
  const total = byId('people-count', 'p');
  const trouble = byId('people-trouble', 'p');
  const more = byId('people-more', 'button');
  const shown = new Map<string, ListedPerson>();
  let next: string | undefined;
  let reading = 0;

  const fail = (error: unknown): void => {
    const again = h('button', { type: 'button' }, 'Try again');
    again.addEventListener('click', refresh);
    trouble.replaceChildren(wordsOf(error), ' ', again);
    trouble.hidden = false;
  };
  async function read(after?: string): Promise<void> {
    reading += 1;
    const mine = reading;
    list.setAttribute('aria-busy', 'true');
    try {
      const q = search.value.trim();
      // After a change, all people that were shown are read again.
      const size = after === undefined ? Math.min(1000, Math.max(PAGE, shown.size)) : PAGE;
      const page = await listPeople({ q, after }, size);
      if (mine !== reading) return; // A later search was faster.
      if (after === undefined) {
        shown.clear();
        list.replaceChildren();
      }
      for (const person of page.people) {
        shown.set(person.id, person);
        list.append(personCard(person, actions, (dropped) => void drop(dropped, person)));
      }
      next = page.next;
      more.hidden = next === undefined;
      trouble.hidden = true;
      const many = count(page.total, 'person', 'people');
      total.textContent = q === '' ? many : `${many} found`;
    } catch (error) {
      if (mine === reading) fail(error);
    } finally {
      if (mine === reading) list.removeAttribute('aria-busy');
    }
  }
  function refresh(): void {
    void read();
    versions.refresh();
  }
  /** Focus goes on to the card, or to the search where the card is gone. */
  const change = async (
    what: (person: ListedPerson) => Promise<boolean>,
    person: ListedPerson,
  ): Promise<void> => {
    if (!(await what(person))) return;
    await read();
    versions.refresh();
    const card = list.querySelector<HTMLElement>(`[data-person="${person.id}"] .more`);
    (card ?? search).focus();
  };
  const drop = async (id: string, into: ListedPerson): Promise<void> => {
    const from = shown.get(id);
    if (from) await change(() => merge(from, into), into);
  };
  const versions = openVersions(() => void read());
  const form = openEnrol(camera, refresh);
  const actions = [
    { words: 'Edit', run: (person: ListedPerson) => void change(edit, person) },
    { words: 'Add photos', run: (person: ListedPerson) => form.addTo(person) },
    { words: 'Merge into…', run: (person: ListedPerson) => void change(mergeInto, person) },
    { words: 'Forget…', run: (person: ListedPerson) => void change(forget, person) },
  ];
  let timer: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      shown.clear();
      void read();
    }, PAUSE_MS);
  });
  more.addEventListener('click', async () => {
    const first = list.children.length;
    await read(next);
    list.children[first]?.querySelector<HTMLElement>('.more')?.focus();
    announce(`${count(list.children.length, 'person', 'people')} shown.`);
  });
  return { show: refresh, take: form.take };
}
