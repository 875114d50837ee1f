// Which page is shown: the part of the address behind the #, so that one file serves all pages and a reload stays.

import { signal } from '@preact/signals';

export const PAGES = [
  'on-air',
  'wall',
  'sources',
  'destinations',
  'recordings',
  'timeline',
  'classes',
  'configuration',
  'diagnostics',
  'settings',
  'users',
] as const;
export type Page = (typeof PAGES)[number];
export type Route = { page: Page } | { page: 'channel'; channel: string } | { page: 'class'; name: string };

export function parse(hash: string): Route {
  const [page = '', name = ''] = hash.replace(/^#\/?/, '').split('/');
  if (page === 'channels' && name) return { page: 'channel', channel: decodeURIComponent(name) };
  if (page === 'classes' && name) return { page: 'class', name: decodeURIComponent(name) };
  return { page: PAGES.find((one) => one === page) ?? 'on-air' };
}

export function address(route: Route): string {
  if (route.page === 'channel') return `#/channels/${encodeURIComponent(route.channel)}`;
  return route.page === 'class' ? `#/classes/${encodeURIComponent(route.name)}` : `#/${route.page}`;
}

export const route = signal<Route>({ page: 'on-air' });

export function follow(): void {
  const look = () => {
    route.value = parse(location.hash);
  };
  look();
  addEventListener('hashchange', look);
}

export function go(to: Route): void {
  location.hash = address(to);
}

/** Goes on when something was done, unless who waited for it is somewhere else by now. */
export function goOn(from: Route, to: Route): void {
  if (address(route.peek()) === address(from)) go(to);
}
