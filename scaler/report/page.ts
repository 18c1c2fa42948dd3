/** The status as a web page that reloads itself; it has no script. Pure. */
import type { ScalerStatus } from '../../cloud/contract/scaler-status.ts';
import { byReason } from './view.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top;border-bottom:1px solid #8884}
h2{font-size:1.1rem}`;
const SHOWN_DECISIONS = 50;
const ROLES: Readonly<Record<ScalerStatus['role'], string>> = {
  leader: 'leads',
  alone: 'leads alone: Redis is unreachable, so it only scales out',
  waiting: 'waits: Redis is unreachable, so the leader is unknown',
  standby: 'stands by: another scaler leads, and this one takes over if that one stops',
};

const RIVALLED =
  'stands by: a scaler with another Redis leads this project, and this one takes over if that one stops';

export function statusPage(status: ScalerStatus): string {
  const {
    role,
    hasRival,
    policy,
    largestFleet,
    now,
    closed,
    youngDeaths,
    launches,
    refusals,
    decisions,
  } = status;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><meta name="viewport" content="width=device-width"><title>Scaler</title><style>${STYLE}</style></head><body>
<h1>Scaler</h1>
<p>This scaler ${text(hasRival ? RIVALLED : ROLES[role])}. Policy ${text(policy)}, at most ${largestFleet} instances; ${launches} launched${countsOf(refusals, ', refused: ')}.</p>
${
  youngDeaths === 0
    ? ''
    : `<p><strong>${youngDeaths} launched instances in a row ended before taking work.</strong> Instances are launched one at a time until one reports.</p>`
}
${now === undefined ? '' : lookHtml(now)}
${
  closed.length === 0
    ? ''
    : `<h2>Launches on hold</h2>${table(
        ['where', 'after', 'until'],
        closed.map(({ what, code, until }) => [what, code, until]),
      )}`
}
<h2>Last decisions</h2>
${table(
  [
    'time',
    'what',
    'waiting / in work',
    'serving / booting',
    'arrivals/s',
    'service',
    'boot',
    'refused',
  ],
  decisions
    .slice(0, SHOWN_DECISIONS)
    .map(({ at, actions, figures, refusals }) => [
      at.slice(11, 19),
      wordsOf(actions),
      figures ? `${figures.waiting ?? '?'} / ${figures.inWork ?? '?'}` : '',
      figures ? `${figures.serving} / ${figures.booting}` : '',
      figures ? String(figures.arrivalsPerSecond) : '',
      figures ? `${figures.serviceSeconds} s` : '',
      figures ? `${figures.bootSeconds} s` : '',
      countsOf(refusals, ''),
    ]),
)}
</body></html>
`;
}

function lookHtml({
  at,
  reasons,
  figures,
  pressure,
  queue,
  instances,
}: NonNullable<ScalerStatus['now']>): string {
  const rows: [string, string][] = [
    ['last look', at],
    ['why', reasons.join('; ')],
    ['pressure in Redis', pressure === undefined ? 'unreadable' : String(pressure)],
    [
      'queue by SQS',
      queue ? `${queue.visible} visible, ${queue.inFlight} in flight` : 'unreadable',
    ],
    ...(figures
      ? ([
          ['arrivals', `${figures.arrivalsPerSecond} per second`],
          ['service time', `${figures.serviceSeconds} s per request`],
          ['boot time', `${figures.bootSeconds} s`],
        ] as [string, string][])
      : []),
  ];
  const fleet =
    instances === undefined
      ? '<p>EC2’s list of instances is unreadable.</p>'
      : table(
          ['name', 'id', 'type', 'state', 'does'],
          instances.map(({ name, id, type = '', spot, state, does = '' }) => [
            name,
            id,
            `${type}${spot ? ' spot' : ''}`,
            state,
            does,
          ]),
        );
  return `<h2>Now</h2>${table([], rows)}<h2>Instances</h2>${fleet}`;
}

function wordsOf(actions: ScalerStatus['decisions'][number]['actions']): string {
  return byReason(actions)
    .map((group) => {
      const { kind, reason } = group[0]!;
      return `${kind} ${group.map(({ on }) => on).join(', ')}: ${reason}`;
    })
    .join('; ');
}

function countsOf(counts: Readonly<Record<string, number>>, before: string): string {
  const words = Object.entries(counts).map(([code, count]) => `${count} × ${code}`);
  return words.length === 0 ? '' : `${before}${words.join(', ')}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((name) => `<th>${text(name)}</th>`).join('');
  const body = rows.map(
    (cells) => `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`,
  );
  return `<table>${head === '' ? '' : `<tr>${head}</tr>`}${body.join('')}</table>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function text(words: string): string {
  return words.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
