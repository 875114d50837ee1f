// Figures for people. Pure.

const two = (n: number) => String(Math.floor(n)).padStart(2, '0');

/** Seconds: 0.4 s, 42 s, 7 min 05 s, 3 h 12 min, 2 d 4 h. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${two((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** Seconds as a counter: 01:12:44, with days where there are any. */
export function counter(seconds: number): string {
  if (!Number.isFinite(seconds)) return '--:--:--';
  const s = Math.max(0, seconds);
  const days = Math.floor(s / 86_400);
  return `${days ? `${days} d ` : ''}${two((s % 86_400) / 3600)}:${two((s % 3600) / 60)}:${two(s % 60)}`;
}

export function bits(perSecond: number | null | undefined): string {
  if (perSecond == null) return '–';
  const [value, unit] = perSecond >= 1e6 ? [perSecond / 1e6, 'Mbit/s'] : [perSecond / 1e3, 'kbit/s'];
  return `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
}

export function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} GB`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(0)} kB`;
}

/** Thin spaces are read alike in every language. */
export function count(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

/** One decimal, a dash for what is not known. */
export function level(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? '–' : value.toFixed(1);
}

/** Loudness; below the absolute gate of BS.1770 a figure says nothing. */
export function loudness(value: number | null | undefined): string {
  return value != null && value < -70 ? '< \u221270' : level(value);
}

/** 21:04:07 in UTC, of a time or of milliseconds. */
export function utc(time: string | number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().slice(11, 19);
}

/** The same on the clock of this room. */
export function local(time: number): string {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** 2026-11-21 21:04:07 in UTC. */
export function stamp(time: string | null): string {
  if (!time) return '–';
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toISOString().slice(0, 19).replace('T', ' ');
}
