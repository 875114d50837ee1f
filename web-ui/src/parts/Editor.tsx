// A text with the numbers of its lines; lines with a fault are marked.

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';

interface Props {
  label: string;
  text: string;
  /** Lines from 1. */
  marked: ReadonlySet<number>;
  /** Id of what says why. */
  described: string;
  area: RefObject<HTMLTextAreaElement | null>;
  change: (text: string) => void;
}

/** Puts the cursor to a place, counted from 1. */
export function jump(area: HTMLTextAreaElement | null, line: number, column: number): void {
  if (!area) return;
  const lines = area.value.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const at = Math.min(area.value.length, before + Math.max(0, column - 1));
  area.focus();
  area.setSelectionRange(at, Math.max(at, before + (lines[line - 1]?.length ?? 0)));
  area.scrollTop = Math.max(0, (line - 4) * (area.scrollHeight / lines.length));
}

export function Editor({ label, text, marked, described, area, change }: Props) {
  const gutter = useRef<HTMLPreElement>(null);
  const numbers = text.split('\n').map((_, place) => `${marked.has(place + 1) ? '⬣ ' : ''}${place + 1}`);
  return (
    <div class="editor">
      <pre class="gutter" aria-hidden="true" ref={gutter}>
        {numbers.join('\n')}
      </pre>
      <textarea
        ref={area}
        aria-label={label}
        aria-describedby={described}
        aria-invalid={marked.size > 0}
        wrap="off"
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
