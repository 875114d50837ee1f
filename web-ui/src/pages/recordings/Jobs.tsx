// What is being done with recordings, and was.

import type { JobStatus } from '../../api';
import type { Listed } from '../../core/ask';
import { hindrance } from '../../core/hindrance';
import { stopJob } from '../../core/recordings';
import { busy } from '../../core/request';
import { useResource } from '../../core/resource';
import { Refused } from '../../parts/Form';
import { Region, Table } from '../../parts/Region';
import { say, word } from '../../words/say';

const GOES_ON = ['waiting', 'running', 'interrupted'];

export function Jobs() {
  const found = useResource<Listed<JobStatus>>('/api/v1/recording-jobs', 2000);
  const by = hindrance({ role: 'operator' });
  return (
    <Region of={found} empty={({ items }) => items.length === 0} nothing={say('no_job')}>
      {({ items }) => (
        <>
          <Table title={say('jobs')} heads={[say('job'), say('state'), say('progress'), say('recording'), say('act')]}>
            {items.map((one) => (
              <tr key={one.id} data-job={one.id}>
                <th scope="row">{word('job', one.kind)}</th>
                <td>{word('job_state', one.state)}</td>
                <td>
                  {Math.floor(one.progress * 100)} % <span lang="en">{one.text}</span>
                </td>
                <td>
                  {one.channel} / {one.recording}
                </td>
                <td>
                  {GOES_ON.includes(one.state) ? (
                    <button
                      type="button"
                      aria-label={`${say('job_stop')} ${word('job', one.kind)} ${one.recording}`}
                      disabled={by !== null || busy.value !== null}
                      onClick={() => void stopJob(one.id).then(found.again)}
                    >
                      {say('job_stop')}
                    </button>
                  ) : (
                    '–'
                  )}
                </td>
              </tr>
            ))}
          </Table>
          <Refused part="jobs" />
        </>
      )}
    </Region>
  );
}
