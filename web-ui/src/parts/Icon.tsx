// The few signs of the panel, drawn here: nothing comes from elsewhere.

const PATHS: Record<string, string> = {
  'on-air':
    'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M6.3 6.3a8 8 0 0 0 0 11.4M17.7 6.3a8 8 0 0 1 0 11.4M3.5 3.5a12 12 0 0 0 0 17M20.5 3.5a12 12 0 0 1 0 17',
  wall: 'M3 4h8v7H3zM13 4h8v7h-8zM3 13h8v7H3zM13 13h8v7h-8z',
  sources: 'M3 7h11v10H3zM14 11l7-4v10l-7-4',
  destinations: 'M4 12h12M12 6l6 6-6 6M21 4v16',
  recordings: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6',
  timeline: 'M4 6h2M10 6h10M4 12h2M10 12h10M4 18h2M10 18h10',
  classes: 'M4 4h16v4H4zM4 10h16v4H4zM4 16h10v4H4zM17 17h5M19.500 14.500v5',
  configuration: 'M5 3h9l5 5v13H5zM14 3v5h5M8 13h8M8 17h5',
  diagnostics: 'M3 12h4l2-6 4 12 3-8 1.500 2H21',
  settings:
    'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.200 2.200M16.200 16.200l2.200 2.200M5.600 18.400l2.200-2.200M16.200 7.800l2.200-2.200M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12',
  users: 'M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M2 20a7 7 0 0 1 14 0M16 5a4 4 0 0 1 0 7M18 14a7 7 0 0 1 4 6',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2',
  moon: 'M19 14a8 8 0 1 1-9-10 6.500 6.500 0 0 0 9 10z',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name] ?? ''} />
    </svg>
  );
}
