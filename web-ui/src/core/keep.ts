// What this surface remembers: language, theme, lock. A browser that keeps nothing is no reason to fail.

export function read(name: string): string | null {
  try {
    return localStorage.getItem(`uplink.${name}`);
  } catch {
    return null;
  }
}

export function write(name: string, value: string): void {
  try {
    localStorage.setItem(`uplink.${name}`, value);
  } catch {
    // It holds until the page is closed.
  }
}
