// What differs between two texts, line by line. Pure.

export interface Line {
  /** `-` is only in the first, `+` only in the second. */
  sign: '-' | '+';
  /** From 1, in its own text. */
  line: number;
  text: string;
}

/** Larger middles are told as a whole: all of the first, then all of the second. */
const MOST_CELLS = 1_000_000;

/** Lines that are in one of the texts only, in their order. */
export function difference(first: string, second: string): Line[] {
  const [a, b] = [first.split('\n'), second.split('\n')];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1;
  const [x, y] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const gone = (i: number): Line => ({ sign: '-', line: head + i + 1, text: x[i] ?? '' });
  const come = (j: number): Line => ({ sign: '+', line: head + j + 1, text: y[j] ?? '' });
  if (x.length * y.length > MOST_CELLS) return [...x.map((_, i) => gone(i)), ...y.map((_, j) => come(j))];
  const common = lengths(x, y);
  const at = (i: number, j: number) => common[i * (y.length + 1) + j] ?? 0;
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      i += 1;
      j += 1;
    } else if (j >= y.length || (i < x.length && at(i + 1, j) >= at(i, j + 1))) {
      found.push(gone(i));
      i += 1;
    } else {
      found.push(come(j));
      j += 1;
    }
  }
  return found;
}

/** For each pair of places, the length of the longest common sequence behind them. */
function lengths(x: string[], y: string[]): Uint32Array {
  const wide = y.length + 1;
  const table = new Uint32Array((x.length + 1) * wide);
  for (let i = x.length - 1; i >= 0; i -= 1) {
    for (let j = y.length - 1; j >= 0; j -= 1) {
      const [below, right, both] = [table[(i + 1) * wide + j], table[i * wide + j + 1], table[(i + 1) * wide + j + 1]];
      table[i * wide + j] = x[i] === y[j] ? (both ?? 0) + 1 : Math.max(below ?? 0, right ?? 0);
    }
  }
  return table;
}
