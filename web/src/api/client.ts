import createClient from 'openapi-fetch';
import { reachable } from '../data/connection';
import { basePath } from '../page';
import { errorOf, purposeOf, Unreachable, unread } from './problem';
import type { components, paths } from './schema';

type Schemas = components['schemas'];
export type Node = Schemas['Node'];
export type NodeState = Node['status']['state'];
export type Job = Schemas['Job'];
export type JobInput = Schemas['JobInput'];
export type Contact = Schemas['Contact'];
export type Session = Schemas['Session'];
export type Preview = Schemas['Preview'];
export type NodePreview = Schemas['NodePreview'];
export type Revision = Schemas['Revision'];
export type RenderedConfig = Schemas['RenderedConfig'];
export type NodesSummary = Schemas['NodesSummary'];
export type NodesMap = Schemas['NodesMap'];
export type NodePoint = Schemas['NodePoint'];
export type NodesChanged = Schemas['NodesChanged'];
export type FleetEvent = Schemas['Event'];
export type Tag = Schemas['Tag'];
export type Target = Schemas['Target'];

/**
 * The one client of the API. It goes with the session's cookie, which a browser
 * sends to this origin only; a write that another page made is refused by the
 * server, which looks at Sec-Fetch-Site and Origin.
 */
export const api = createClient<paths>({
  baseUrl: basePath,
  credentials: 'same-origin',
  fetch: async (request) => {
    let response: Response;
    try {
      response = await fetch(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      reachable(false);
      throw new Unreachable(purposeOf(request));
    }
    reachable(response.status !== 502 && response.status !== 504); // of a proxy in front
    return response;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; anything else is thrown as an error of ours. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await tagged(call)).value;
}

/** A record and its ETag, to be given as If-Match. */
export interface Tagged<T> {
  value: T;
  etag: string;
}

/** ok, with the ETag. */
export async function tagged<T>(call: Promise<Answer<T>>): Promise<Tagged<T>> {
  const { data, error, response } = await call.catch(unread);
  if (!response.ok) throw errorOf(response.status, error, response.headers.get('Retry-After'));
  return { value: data as T, etag: response.headers.get('ETag') ?? '' };
}
