// What browsers are shown of this box: where the certificate comes from, for whom, until when; and reading its files anew.

import { useSignal } from '@preact/signals';
import type { CertificateStatus, Outcome, ShownCertificate } from '../../api';
import { alarms } from '../../core/alarms';
import { stamp } from '../../core/format';
import { hindrance } from '../../core/hindrance';
import { busy, request } from '../../core/request';
import { useResource } from '../../core/resource';
import { known } from '../../core/store';
import { validity } from '../../core/validity';
import { Copy } from '../../parts/Copy';
import { Refused } from '../../parts/Form';
import { Facts, Section } from '../../parts/Frame';
import { Hindered } from '../../parts/Hindered';
import { Region } from '../../parts/Region';
import { say, word } from '../../words/say';

const EVERY_MS = 10_000;

export function Certificates() {
  const found = useResource<CertificateStatus>('/api/v1/certificate', EVERY_MS);
  const troubles = (alarms.value ?? []).filter((one) => one.code === 'certificate_failed');
  return (
    <Section title={say('certificate')} id="certificate">
      {troubles.map((one) => (
        <p key={one.id} class="trouble" lang="en">
          ⬣ {one.reason}
        </p>
      ))}
      <Region of={found} empty={(all) => all.certificates.length === 0} nothing={say('not_encrypted')}>
        {(all) => all.certificates.map((one) => <Shown key={one.fingerprint} one={one} />)}
      </Region>
      {found.data ? <Reload encrypted={found.data.encrypted} again={found.again} /> : null}
    </Section>
  );
}

const SHAPE = { good: '✓', soon: '▲', over: '⬣', early: '⬣' };

function Shown({ one }: { one: ShownCertificate }) {
  const { state, days } = validity(one, known());
  return (
    <div data-validity={state}>
      <p>
        <strong>
          {SHAPE[state]} {say(`certificate_${state}`, { days, time: stamp(one.ends) })}
        </strong>
      </p>
      <Facts
        rows={[
          [say('certificate_origin'), word('origin', one.origin)],
          [say('certificate_names'), one.names.join(', ') || '–'],
          [say('certificate_issuer'), one.issuer],
          [say('certificate_begins'), stamp(one.begins)],
          [say('certificate_ends'), stamp(one.ends)],
          [say('certificate_renew_by'), stamp(one.renew_by)],
        ]}
      />
      <Copy text={one.fingerprint} about={say('fingerprint')} />
    </div>
  );
}

function Reload({ encrypted, again }: { encrypted: boolean; again: () => void }) {
  const done = useSignal<string | null>(null);
  const by = hindrance({ role: 'engineer', held: true });
  if (!encrypted) return null;
  const reload = async () => {
    const wanted = { part: 'certificate', method: 'POST', path: 'config/reload', verb: 'reload' };
    done.value = (await request<Outcome>(wanted))?.text ?? null;
    again();
  };
  return (
    <>
      <p class="quiet">{say('certificate_advice')}</p>
      <div class="row">
        <button type="button" disabled={by !== null || busy.value !== null} onClick={reload}>
          {say('certificate_reload')}
        </button>
      </div>
      <Hindered by={by} />
      <p role="status">{done.value === null ? '' : <span lang="en">✓ {done.value}</span>}</p>
      <Refused part="certificate" />
    </>
  );
}
