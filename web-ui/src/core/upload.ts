// Sending a file, and how much of it has arrived: what `fetch` does not tell.

import { type Conditions, GIVE_UP_MS, headersOf, type Reply, told, unanswered } from './ask';
import { confirmed } from './consent';

/** Parts of one that have left; told as often as the browser likes. */
type Progress = (part: number) => void;

/** Puts `file` there. What the daemon wants confirmed is asked; then it is sent once more. */
export function putFile<T>(path: string, file: Blob, conditions: Conditions, progress: Progress): Promise<Reply<T>> {
  return confirmed((given) => put<T>(path, file, given, progress), conditions);
}

function put<T>(path: string, file: Blob, conditions: Conditions, progress: Progress): Promise<Reply<T>> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const gone = (why: string) => () => resolve(unanswered<T>('PUT', path, why));
    request.open('PUT', path);
    for (const [name, value] of Object.entries(headersOf(conditions))) request.setRequestHeader(name, value);
    request.timeout = GIVE_UP_MS;
    request.upload.addEventListener('progress', ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    request.addEventListener('error', gone('NetworkError'));
    request.addEventListener('timeout', gone('TimeoutError'));
    request.addEventListener('load', () => {
      const { status, statusText, responseText } = request;
      const headers = { 'x-request-id': request.getResponseHeader('x-request-id') ?? '' };
      const answer = new Response(status === 204 ? null : responseText, { status, statusText, headers });
      told<T>('PUT', path, answer).then(resolve, gone('SyntaxError'));
    });
    progress(0);
    request.send(file);
  });
}
