/** Loads the server's sample photos. */
import { askForKey, keyHeaders } from '../key.ts';

async function get(path: string): Promise<Response> {
  for (;;) {
    const response = await fetch(path, { headers: keyHeaders() });
    if (response.ok) return response;
    if (response.status !== 401) throw new Error(`${path} answered ${response.status}.`);
    await askForKey();
  }
}

/** Empty where the server has no samples. */
export async function listSamples(): Promise<readonly string[]> {
  try {
    return (await (await get('samples')).json()) as string[];
  } catch {
    return [];
  }
}

export async function loadSample(name: string): Promise<File> {
  const blob = await (await get(`samples/${encodeURIComponent(name)}`)).blob();
  return new File([blob], name, { type: blob.type });
}
