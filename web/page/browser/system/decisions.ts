/** Lists the scaler's latest decisions with their reasons. */
import type { LiveState } from '../../../live/state.ts';
import { byId, h } from '../dom.ts';
import { clock } from '../words.ts';

const MOST = 6;
const ROLES: Readonly<Record<NonNullable<LiveState['scaler']>, string>> = {
  leader: 'leader',
  alone: 'alone, without Redis',
  waiting: 'waiting for Redis',
  standby: 'standby',
};

export function openDecisions(): (state: LiveState) => void {
  const role = h('p', { class: 'aside' });
  const list = h('ol', { class: 'decisions' });
  const nothing = h('p', { class: 'nothing' }, 'No decisions yet.');
  byId('decisions', 'div').append(
    h('div', { class: 'panel-head' }, h('h3', {}, 'Scaler'), role),
    list,
    nothing,
  );
  let shown = '';
  return ({ scaler, policy, decisions }) => {
    const says = scaler === null ? 'no scaler' : ROLES[scaler];
    role.textContent = policy === null ? says : `${says}, policy ${policy}`;
    role.dataset.heard = String(scaler === 'leader');
    const newest = decisions.slice(0, MOST);
    const text = JSON.stringify(newest);
    if (text === shown) return; // Replacing the list every second would lose a reader's place in it.
    shown = text;
    nothing.hidden = newest.length > 0;
    list.replaceChildren(
      ...newest.map(({ at, what, reason }) =>
        h(
          'li',
          {},
          h('time', { datetime: new Date(at).toISOString() }, clock(at)),
          h('p', {}, h('strong', {}, what), h('span', {}, reason)),
        ),
      ),
    );
  };
}
