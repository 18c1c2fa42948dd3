/** Receipts of people who are forgotten: shown in a dialog, and followed until nothing is left to erase. */
import { announce, byId, h } from '../dom.ts';
import { ask, CANCEL } from './dialogs.ts';
import { call, type Receipt } from './gallery-api.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** One receipt, which changes until it is done. */
interface Followed {
  readonly name: string;
  receipt: Receipt;
  /** Why it cannot be read at the moment. */
  trouble: string | undefined;
  /** Shows it as it is now. */
  show: () => void;
}

/** Resolves when the reader has closed it; a receipt that is not done then is listed until it is. */
export async function showReceipt(name: string, receipt: Receipt): Promise<void> {
  const followed: Followed = { name, receipt, trouble: undefined, show() {} };
  if (receipt.status !== 'done') void follow(followed);
  await open(followed);
  if (followed.receipt.status !== 'done') list(followed);
}

async function follow(followed: Followed): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (followed.receipt.status !== 'done') {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    try {
      followed.receipt = await call('GET', `v1/receipts/${followed.receipt.id}`);
      followed.trouble = undefined;
    } catch (error) {
      followed.trouble = `${error instanceof Error ? error.message : error} Trying again.`;
    }
    followed.show();
  }
  announce(`${followed.name} is forgotten: the receipt is complete.`);
}

async function open(followed: Followed): Promise<void> {
  const title = document.createTextNode('');
  const content = h('div', { class: 'receipt-content' });
  let url: string | undefined;
  followed.show = () => {
    const { name, receipt, trouble } = followed;
    if (url !== undefined) URL.revokeObjectURL(url);
    url = URL.createObjectURL(
      new Blob([JSON.stringify(receipt, null, 2)], { type: 'application/json' }),
    );
    title.data = titleOf(followed);
    const link = h(
      'a',
      { href: url, download: `receipt-${receipt.id}.json` },
      'Download the receipt as JSON',
    );
    // The reader may be at it.
    const isFocused = content.contains(document.activeElement);
    content.replaceChildren(...linesOf(name, receipt), trouble ? h('p', {}, trouble) : '', link);
    if (isFocused) link.focus();
  };
  followed.show();
  await ask({ title, content: [content], choices: [{ ...CANCEL, words: 'Close' }] });
  if (url !== undefined) URL.revokeObjectURL(url);
}

function titleOf({ name, receipt }: Followed): string {
  return receipt.status === 'done' ? `${name} is forgotten` : `${name} is being forgotten`;
}

function linesOf(name: string, { status, removed, unreachable }: Receipt): Node[] {
  const found = removed.filter(({ count }) => count > 0);
  return [
    h(
      'p',
      {},
      status === 'done'
        ? 'This signed receipt proves it. The service keeps a copy, without the name.'
        : `The gallery no longer has ${name}. Other traces are being erased; this receipt is followed until none is left.`,
    ),
    h(
      'dl',
      { class: 'receipt' },
      h('dt', {}, 'Removed'),
      ...(found.length > 0 ? found : [{ what: 'nothing yet', count: 0 }]).map(({ what, count }) =>
        h('dd', {}, count > 0 ? `${what}: ${count}` : what),
      ),
      unreachable.length > 0 && h('dt', {}, 'Not reached'),
      ...unreachable.map(({ what, why }) => h('dd', {}, `${what}. ${why}`)),
    ),
  ];
}

/** A line above the people, with the way back to the receipt; it goes when the reader has seen the end. */
function list(followed: Followed): void {
  const words = h('span', {});
  const button = h('button', { type: 'button' }, 'Receipt');
  button.setAttribute('aria-label', `Receipt of ${followed.name}`);
  const line = h('li', {}, words, ' ', button);
  const show = (): void => {
    words.textContent = titleOf(followed);
  };
  button.addEventListener('click', async () => {
    await open(followed);
    followed.show = show;
    show();
    if (followed.receipt.status === 'done') {
      line.remove();
      byId('people-search', 'input').focus();
    }
  });
  followed.show = show;
  show();
  byId('receipts', 'ul').append(line);
}
