/** The views of the page as tabs: one is shown at a time, and the address remembers which. */
import { byId } from './dom.ts';

const NAMES = ['photos', 'people'] as const;
export type TabName = (typeof NAMES)[number];

export interface Tabs {
  shown(): TabName;
}

/** @param onShow called each time the view is shown */
export function openTabs(onShow: Partial<Record<TabName, () => void>>): Tabs {
  let shown: TabName = 'photos';
  const tabs = NAMES.map((name) => ({
    name,
    button: byId(`tab-${name}`, 'button'),
    view: byId(`view-${name}`, 'div'),
  }));
  const show = (wanted: TabName): void => {
    shown = wanted;
    for (const { name, button, view } of tabs) {
      const isShown = name === wanted;
      button.setAttribute('aria-selected', String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      view.hidden = !isShown;
    }
    onShow[wanted]?.();
  };
  const choose = (wanted: TabName): void => {
    if (wanted === shown) return;
    history.replaceState(null, '', wanted === 'photos' ? location.pathname : `#${wanted}`);
    show(wanted);
  };
  tabs.forEach(({ name, button }, at) => {
    button.addEventListener('click', () => choose(name));
    button.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step === undefined) return;
      const next = tabs[(at + step + tabs.length) % tabs.length];
      next?.button.focus();
      if (next) choose(next.name);
    });
  });
  const fromAddress = (): void => {
    const wanted = NAMES.find((name) => location.hash === `#${name}`) ?? 'photos';
    if (wanted !== shown) show(wanted);
  };
  window.addEventListener('hashchange', fromAddress);
  fromAddress();
  return { shown: () => shown };
}
