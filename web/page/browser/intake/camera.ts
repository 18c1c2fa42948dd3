/** Takes a photo with the camera, and says what to do when the camera cannot be used. */
import { byId } from '../dom.ts';
import { clock } from '../words.ts';

/** Large enough for any face, small enough to send quickly. */
const LONGEST_SIDE = 1280;
const QUALITY = 0.9;
const dialog = byId('camera', 'dialog');
const video = byId('camera-video', 'video');
const word = byId('camera-word', 'p');
const shutter = byId('shutter', 'button');
/** The permission that the browser is asking for: opening the dialog again waits for the same one. */
let asked: Promise<MediaStream> | undefined;
/** How often the dialog was opened: only the latest opening changes what it shows. */
let openings = 0;

export interface Camera {
  /** The button opens the camera, whose photo goes to `take`. */
  offer(button: HTMLButtonElement, take: (files: readonly File[]) => void): void;
}

export function openCamera(): Camera {
  let taker: ((files: readonly File[]) => void) | undefined;
  byId('camera-close', 'button').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', stop);
  shutter.addEventListener('click', async () => {
    const photo = await picture();
    dialog.close();
    if (photo) taker?.([photo]);
  });
  return {
    offer(button, take) {
      button.addEventListener('click', () => {
        taker = take;
        void start();
      });
    },
  };
}

async function start(): Promise<void> {
  openings += 1;
  const opening = openings;
  dialog.showModal();
  word.textContent = 'Waiting for permission to use the camera.';
  try {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    const stream = await asked;
    if (opening !== openings) return;
    video.srcObject = stream;
    if (!dialog.open) return stop();
    await video.play();
    if (opening !== openings || !dialog.open) return;
    word.textContent = '';
    shutter.disabled = false;
    shutter.focus();
  } catch (error) {
    if (opening !== openings) return;
    word.textContent = wordsFor(error instanceof DOMException ? error.name : '');
  }
}

async function ask(): Promise<MediaStream> {
  if (navigator.mediaDevices === undefined) throw new DOMException('', 'SecurityError');
  const width = { ideal: LONGEST_SIDE };
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width } });
}

function wordsFor(reason: string): string {
  switch (reason) {
    case 'NotAllowedError':
      return 'Camera access was denied: allow it for this page in the browser, then try again.';
    case 'NotFoundError':
      return 'This device has no camera: choose a photo instead.';
    case 'NotReadableError':
      return 'Another program is using the camera: close it, then try again.';
    case 'SecurityError':
      return 'Browsers allow the camera only over HTTPS or on this machine.';
    default:
      return 'The camera does not work: choose a photo instead.';
  }
}

function stop(): void {
  const stream = video.srcObject;
  if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.stop();
  video.srcObject = null;
  shutter.disabled = true;
}

async function picture(): Promise<File | undefined> {
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.drawImage(video, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/jpeg', QUALITY);
  });
  const name = `camera-${clock(Date.now()).replaceAll(':', '-')}.jpg`;
  return blob === null ? undefined : new File([blob], name, { type: blob.type });
}
