// A draft of the configuration or a stream class, with the checker's faults at their lines.

import { useRef } from 'preact/hooks';
import type { ConfigurationFault } from '../api';
import type { Desk } from '../core/draft';
import { save } from '../core/save';
import { fresh } from '../core/store';
import { say } from '../words/say';
import { Difference } from './Difference';
import { Editor, jump } from './Editor';
import { Trouble } from './Region';

interface Props {
  desk: Desk;
  /** Where it is, or would be: faults name it so. */
  file: string;
  /** The text as it is on disk. */
  disk: string | null;
  /** How it comes into force. */
  advice: string;
}

export function Draft({ desk, file, disk, advice }: Props) {
  const { draft, checked, checking, checkTrouble } = desk;
  const area = useRef<HTMLTextAreaElement>(null);
  const current = draft.value;
  const base = current?.base ?? disk ?? '';
  const text = current?.text ?? disk ?? '';
  const changed = current !== null && text !== base;
  // What was said of another text is said of none.
  const report = checked.value?.text === text ? checked.value.report : null;
  const mine = (one: ConfigurationFault) => one.file === file && one.line > 0;
  const marked = new Set([...(report?.faults ?? []), ...(report?.warnings ?? [])].filter(mine).map((one) => one.line));
  const write = (next: string) => {
    draft.value = { base, text: next };
  };
  const moved = changed && disk !== null && disk !== base;
  return (
    <>
      {disk === null ? <p class="empty">{say('file_unread')}</p> : null}
      {moved ? <Moved desk={desk} base={base} disk={disk} text={text} /> : null}
      <Editor
        label={say('draft_of', { file })}
        text={text}
        marked={marked}
        described="findings"
        area={area}
        change={write}
      />
      <div class="row">
        <button type="button" disabled={!fresh.value || checking.value} onClick={() => desk.check(text)}>
          {say('check')}
        </button>
        <button type="button" disabled={!changed} onClick={() => save(file.replace(/.*\//, ''), text)}>
          {say('save_file')}
        </button>
        <button
          type="button"
          disabled={!changed}
          onClick={() => {
            draft.value = null;
          }}
        >
          {say('drop_draft')}
        </button>
      </div>
      <p class="quiet">{advice}</p>
      {checkTrouble.value ? <Trouble problem={checkTrouble.value} /> : null}
      <div id="findings" role="status" data-good={report?.good}>
        {report ? <Findings faults={report.faults} warnings={report.warnings} file={file} area={area} /> : null}
      </div>
      {changed ? (
        <details class="own">
          <summary>{say('own_changes')}</summary>
          <Difference first={base} second={text} title={say('own_changes')} />
        </details>
      ) : null}
    </>
  );
}

/** Somebody has written the file since this draft began. */
function Moved({ desk, base, disk, text }: { desk: Desk; base: string; disk: string; text: string }) {
  const { draft } = desk;
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>▲ {say('file_moved')}</strong>
      </p>
      <Difference first={base} second={disk} title={say('their_changes')} />
      <div class="row">
        <button
          type="button"
          onClick={() => {
            draft.value = { base: disk, text };
          }}
        >
          {say('keep_mine')}
        </button>
        <button
          type="button"
          onClick={() => {
            draft.value = null;
          }}
        >
          {say('take_theirs')}
        </button>
      </div>
    </div>
  );
}

interface Found {
  faults: ConfigurationFault[];
  warnings: ConfigurationFault[];
  file: string;
  area: { current: HTMLTextAreaElement | null };
}

function Findings({ faults, warnings, file, area }: Found) {
  const line = (one: ConfigurationFault, shape: string) => (
    <li key={`${one.file}:${one.line}:${one.column}:${one.key}:${one.rule}`}>
      <span aria-hidden="true">{shape}</span>{' '}
      {one.file === file && one.line > 0 ? (
        <button type="button" onClick={() => jump(area.current, one.line, one.column)}>
          {say('line_no', { line: one.line })}
        </button>
      ) : (
        <span>{one.file}</span>
      )}{' '}
      <span lang="en">
        <code>
          {one.key}
          {one.value === null ? '' : ` = ${one.value}`}
        </code>{' '}
        {one.rule} <span class="quiet">{one.fix}</span>
      </span>
    </li>
  );
  const counts = { faults: faults.length, warnings: warnings.length };
  return (
    <>
      <p>
        <strong>
          {faults.length === 0 ? `✓ ${say('check_good')}` : `⬣ ${say('check_bad', counts)}`}
          {faults.length === 0 && warnings.length > 0 ? ` ▲ ${say('count_warning', { count: warnings.length })}` : ''}
        </strong>
      </p>
      <ul class="findings">
        {faults.map((one) => line(one, '⬣'))}
        {warnings.map((one) => line(one, '▲'))}
      </ul>
    </>
  );
}
