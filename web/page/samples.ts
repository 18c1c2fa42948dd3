/** The server's sample photos, where it has some. */
import { keyHeaders } from './key.ts';

async function get(path: string): Promise<Response> {
  const response = await fetch(path, { headers: keyHeaders() });
  if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
  return response;
}

/** None where the server has none, or does not show them without a key. */
export async function listSamples(): Promise<readonly string[]> {
  try {
    const list: unknown = await (await get('/samples')).json();
    const { samples } = Array.isArray(list) ? { samples: list } : (list as { samples?: string[] });
    return samples ?? [];
  } catch {
    return [];
  }
}

export async function loadSample(name: string): Promise<File> {
  const blob = await (await get(`/samples/${encodeURIComponent(name)}`)).blob();
  return new File([blob], name, { type: blob.type });
}
