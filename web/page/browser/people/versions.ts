/** The live version of the gallery, and the earlier ones with the way back. */
import { announce, byId, h } from '../dom.ts';
import { count, momentInWords } from '../words.ts';
import { ask, CANCEL } from './dialogs.ts';
import { call, type GalleryState, type GalleryVersion, wordsOf } from './gallery-api.ts';

export interface Versions {
  refresh(): void;
}

/** Versions that are shown at first, and with each press of the button. */
const PAGE = 10;

/** @param onRollback called when the people have changed */
export function openVersions(onRollback: () => void): Versions {
  const live = h('p', {});
  const list = h('ol', { 'aria-label': 'Versions, newest first' });
  const summary = h('summary', {}, 'Earlier versions');
  const more = h('button', { type: 'button', hidden: true }, 'Show more versions');
  const earlier = h('details', {}, summary, list, more);
  let lines: readonly HTMLLIElement[] = [];
  let shown = PAGE;
  byId('versions', 'section').append(h('h3', { id: 'versions-title' }, 'Gallery'), live, earlier);

  const show = async (): Promise<void> => {
    try {
      const state = await call<GalleryState>('GET', 'v1/gallery');
      const { versions } = await call<{ versions: readonly GalleryVersion[] }>(
        'GET',
        'v1/gallery/versions',
      );
      const people = count(state.people, 'person', 'people');
      live.textContent = `Version ${state.version}: ${people}, ${count(state.faces, 'face')}`;
      const newestFirst = versions.toSorted((a, b) => b.version - a.version);
      lines = newestFirst.map((version) => lineOf(version, state.version));
      showLines();
      earlier.hidden = newestFirst.length === 0;
    } catch (error) {
      live.textContent = wordsOf(error);
    }
  };
  const showLines = (): void => {
    list.replaceChildren(...lines.slice(0, shown));
    more.hidden = lines.length <= shown;
  };
  more.addEventListener('click', () => {
    const first = shown;
    shown += PAGE;
    showLines();
    lines[first]?.querySelector('button')?.focus();
    announce(`${count(Math.min(shown, lines.length), 'version')} shown.`);
  });
  const lineOf = ({ version, at, change, faces }: GalleryVersion, liveVersion: number) => {
    const isLive = version === liveVersion;
    const back = h('button', { type: 'button' }, 'Roll back');
    back.setAttribute('aria-label', `Roll back to version ${version}`);
    back.addEventListener('click', () => void rollBack(version));
    return h(
      'li',
      {},
      h('b', {}, String(version)),
      h('span', {}, change, ' · ', h('time', { datetime: at }, momentInWords(at))),
      h('span', {}, count(faces, 'face')),
      isLive ? h('span', {}, 'live') : back,
    );
  };
  const rollBack = async (version: number): Promise<void> => {
    const chosen = await ask({
      title: `Roll back to version ${version}?`,
      content: [
        h('p', {}, `A new version gets the people and faces of version ${version}.`),
        h('p', {}, 'Later changes are undone; forgotten people stay forgotten.'),
      ],
      choices: [{ value: 'back', words: 'Roll back', look: 'main' }, CANCEL],
      async act() {
        await call('POST', 'v1/gallery/rollback', { version });
        return undefined;
      },
    });
    if (chosen !== 'back') return;
    await show();
    onRollback();
    announce(`The gallery has the people of version ${version} again.`);
    summary.focus();
  };
  return { refresh: () => void show() };
}
