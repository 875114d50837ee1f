// Which page is shown: the part of the address behind the #, so that one file serves all pages and a reload stays.

import { signal } from '@preact/signals';

export const PAGES = [
  'on-air',
  'wall',
  'sources',
  'destinations',
  'recordings',
  'timeline',
  'configuration',
  'diagnostics',
  'users',
] as const;
export type Page = (typeof PAGES)[number];
export type Route = { page: Page } | { page: 'channel'; channel: string };

export function parse(hash: string): Route {
  const [page = '', channel = ''] = hash.replace(/^#\/?/, '').split('/');
  if (page === 'channels' && channel) return { page: 'channel', channel: decodeURIComponent(channel) };
  return { page: PAGES.find((one) => one === page) ?? 'on-air' };
}

export function address(route: Route): string {
  return route.page === 'channel' ? `#/channels/${encodeURIComponent(route.channel)}` : `#/${route.page}`;
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
