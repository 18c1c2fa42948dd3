/** Shows each instance as a tile: its state in colour, sign and word, and its work. */
import type { LiveState } from '../../../live/state.ts';
import { byId, h } from '../dom.ts';
import { count, duration } from '../words.ts';

type Instance = LiveState['instances'][number];

const WORDS: Readonly<Record<Instance['state'], string>> = {
  pending: 'launching',
  starting: 'starting',
  idle: 'idle',
  busy: 'busy',
  draining: 'draining',
  drained: 'drained',
  silent: 'silent',
  stopping: 'stopping',
};

interface Tile {
  readonly item: HTMLLIElement;
  update(instance: Instance): void;
}

export function openTiles(): (state: LiveState) => void {
  const panel = byId('instances', 'div');
  const title = h('h3', {}, 'Instances');
  const summary = h('p', { class: 'aside' });
  const list = h('ul', { class: 'tiles' });
  const none = h('p', { class: 'nothing' }, 'No instances: the first photo launches one.');
  panel.append(h('div', { class: 'panel-head' }, title, summary), list, none);
  const tiles = new Map<string, Tile>();
  return ({ instances, largestFleet }) => {
    const numbers = instances.map(({ id, name }) => ({ id, number: numberOf(name) }));
    const order = new Map(numbers.map(({ id, number }) => [id, number]));
    const sorted = instances.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
    for (const [id, { item }] of tiles) {
      if (order.has(id)) continue;
      tiles.delete(id);
      item.remove();
    }
    sorted.forEach((instance, place) => {
      const tile = tiles.get(instance.id) ?? newTile();
      tiles.set(instance.id, tile);
      tile.update(instance);
      const there = list.children[place];
      if (there !== tile.item) list.insertBefore(tile.item, there ?? null);
    });
    none.hidden = instances.length > 0;
    const most = largestFleet === null ? '' : ` of at most ${largestFleet}`;
    summary.textContent = `${instances.length}${most}`;
  };
}

function numberOf(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? Number.MAX_SAFE_INTEGER);
}

function newTile(): Tile {
  const number = h('b');
  const word = h('span', { class: 'word' });
  const doing = h('span', { class: 'doing' });
  const sign = h('i', { class: 'sign', 'aria-hidden': 'true' });
  const item = h('li', {}, number, h('span', { class: 'state' }, sign, word), doing);
  return {
    item,
    update(instance) {
      const { name, id, state, seconds, inHand, finished, spot, type } = instance;
      item.dataset.state = state;
      item.title = [name, id, type, spot && 'spot'].filter(Boolean).join(', ');
      number.textContent = /\d+$/.exec(name)?.[0] ?? name;
      word.textContent = WORDS[state];
      const since = seconds === null ? '' : `for ${duration(Math.floor(seconds))}`;
      const work = `${inHand} in work, ${finished} done`;
      const serves = state === 'busy' || state === 'idle' || state === 'draining';
      doing.textContent = serves ? (inHand > 0 ? work : count(finished, 'photo')) : since;
    },
  };
}
