/** The live half of the page: everything that GET /live sends, and the state of the connection. */

import { announce, byId } from '../dom.ts';
import { learnNames } from '../names.ts';
import { openCharts } from './chart.ts';
import { openDecisions } from './decisions.ts';
import { openFigures } from './figures.ts';
import { type Link, watchLive } from './stream.ts';
import { openTiles } from './tiles.ts';

const LINKS: Readonly<Record<Link, string>> = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting',
  paused: 'paused',
  locked: 'key needed',
};

export function openSystem(): void {
  const link = byId('link', 'p');
  const system = byId('system', 'section');
  const figures = openFigures();
  const tiles = openTiles();
  const decisions = openDecisions();
  const charts = openCharts();
  void watchLive({
    history: charts.history,
    state(state) {
      learnNames(state);
      figures(state);
      tiles(state);
      decisions(state);
      charts.state(state);
    },
    link(now) {
      const before = link.dataset.link;
      if (before === now) return;
      link.dataset.link = now;
      link.textContent = LINKS[now];
      system.classList.toggle('stale', now !== 'live');
      if (now === 'reconnecting') announce('The live view is reconnecting.');
      if (now === 'live' && before === 'reconnecting') announce('The live view is back.');
    },
  });
}
