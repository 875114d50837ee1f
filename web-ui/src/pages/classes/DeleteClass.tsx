// The end of a stream class that is the site's own alone. It is asked in one place and confirmed in another; its versions stay.

import type { StreamClassFile } from '../../api';
import { remove } from '../../core/classes';
import { hindrance } from '../../core/hindrance';
import { busy } from '../../core/request';
import { goOn } from '../../core/route';
import { channelOf } from '../../core/store';
import { Refused } from '../../parts/Form';
import { Section } from '../../parts/Frame';
import { Hindered } from '../../parts/Hindered';
import { Sure } from '../../parts/Sure';
import { say } from '../../words/say';

export function DeleteClass({ one, tag }: { one: StreamClassFile; tag: string | null }) {
  const by = hindrance({ role: 'engineer', held: true });
  const end = async () => {
    if (await remove(one.name, tag)) goOn({ page: 'class', name: one.name }, { page: 'classes' });
  };
  return (
    <Section title={say('class_delete')} id="class-delete">
      <p class="quiet">{advice(one)}</p>
      {one.shipped ? null : (
        <div class="row">
          <Sure
            label={say('class_delete')}
            about={one.name}
            disabled={by !== null || busy.value !== null || one.channels.length > 0}
            act={() => void end()}
          />
        </div>
      )}
      <Hindered by={by} />
      <Refused part="class" />
    </Section>
  );
}

function advice({ shipped, channels }: StreamClassFile): string {
  if (shipped) return say('class_delete_shipped');
  const titles = channels.map((id) => channelOf(id)?.title ?? id).join(', ');
  return titles ? say('class_delete_used', { channels: titles }) : say('class_delete_advice');
}
