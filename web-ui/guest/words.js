// What is said to a guest, and when it is tried again. No page, no network: tests/words.mjs.

/** Longest pause between two attempts, milliseconds. */
const LONGEST = 8000;

/** The pause before attempt `n` (from 1), milliseconds; `random` is 0 to 1. Half of it is random: guests who were
 * thrown out together do not come back together. */
export function pause(n, random) {
  const full = Math.min(LONGEST, 1000 * 2 ** (n - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/** Channel and source of the page's path, and the key behind its `#`. */
export function place(pathname, hash) {
  const [source, channel] = pathname.split('/').filter(Boolean).reverse().map(decodeURIComponent);
  const key = new URLSearchParams(hash.replace(/^#/, '')).get('key') ?? '';
  return { channel, source, key };
}

/** What an answer that is no success means to a guest: what to say, and whether trying again can help. */
export function refusal(status, code) {
  if (status === 401) return { text: 'This link is not valid any more. Ask the studio for a new one.', again: false };
  if (status === 404) return { text: 'This link leads nowhere. Ask the studio for a new one.', again: false };
  if (status === 409)
    return { text: 'Somebody else is connected with this link. Waiting for the place …', again: true };
  if (code === 'off_air') return { text: 'The studio has not started yet. Waiting …', again: true };
  if (status === 415 || status === 422)
    return { text: 'The studio cannot receive what this browser sends. Try another browser.', again: false };
  return { text: 'The studio cannot be reached at the moment. Trying again …', again: true };
}

/** What to say when camera and microphone cannot be had. */
export function mediaFault(name, secure) {
  if (!secure)
    return 'Browsers give camera and microphone to secure pages only. Ask the studio for a link that begins with https.';
  switch (name) {
    case 'NotAllowedError':
      return 'Camera and microphone are blocked for this page. Allow them beside the address, then join again.';
    case 'NotFoundError':
      return 'No camera and no microphone was found. Plug one in, then join again.';
    case 'NotReadableError':
      return 'Camera or microphone is in use by another program. Close it, then join again.';
    default:
      return `Camera and microphone cannot be opened (${name}).`;
  }
}
