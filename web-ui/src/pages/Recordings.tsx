// What is recorded now, what there is, and what is being done with it.

import { status } from '../core/store';
import { Section } from '../parts/Frame';
import { Waiting } from '../parts/Waiting';
import { say } from '../words/say';
import { Jobs } from './recordings/Jobs';
import { Recorders } from './recordings/Recorders';
import { RecordingRows } from './recordings/RecordingRows';

export function Recordings() {
  const document = status.value;
  if (!document) return <Waiting />;
  return (
    <div class="page">
      <Section title={say('recording_now')} id="now">
        <Recorders channels={document.channels} />
      </Section>
      <Section title={say('recordings')} id="recordings">
        <RecordingRows />
      </Section>
      <Section title={say('jobs')} id="jobs">
        <Jobs />
      </Section>
    </div>
  );
}
