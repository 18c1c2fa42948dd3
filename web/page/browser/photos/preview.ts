/** Shows photos while they are in view: a thousand pictures in memory would be too many. */

/** Pictures begin to load this far outside the list's view. */
const MARGIN = '300px 0px';

export interface Preview {
  readonly image: HTMLImageElement;
  show(): void;
  hide(): void;
}

/** @param onBroken called when the browser cannot display the file */
export function newPreview(file: File, onBroken: () => void): Preview {
  const image = document.createElement('img');
  image.alt = `The photo ${file.name}`;
  image.decoding = 'async';
  let url: string | undefined;
  let isBroken = false;
  const hide = (): void => {
    if (url === undefined) return;
    URL.revokeObjectURL(url);
    url = undefined;
    image.removeAttribute('src');
  };
  image.addEventListener('error', () => {
    if (url === undefined) return;
    isBroken = true;
    hide();
    onBroken();
  });
  return {
    image,
    show() {
      if (url !== undefined || isBroken) return;
      url = URL.createObjectURL(file);
      image.src = url;
    },
    hide,
  };
}

export interface InView {
  watch(element: Element, preview: Preview): void;
  forget(element: Element): void;
}

/** Shows the previews of elements that are in the view of `list`, and lets the others go. */
export function showInView(list: Element): InView {
  const previews = new WeakMap<Element, Preview>();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const preview = previews.get(target);
        if (isIntersecting) preview?.show();
        else preview?.hide();
      }
    },
    { root: list, rootMargin: MARGIN },
  );
  return {
    watch(element, preview) {
      previews.set(element, preview);
      observer.observe(element);
    },
    forget(element) {
      observer.unobserve(element);
      previews.get(element)?.hide();
      previews.delete(element);
    },
  };
}
