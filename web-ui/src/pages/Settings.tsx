// What stands beside the channels: who is told of alarms, control surfaces, images, the certificate.

import { status } from '../core/store';
import { Waiting } from '../parts/Waiting';
import { Certificates } from './settings/Certificates';
import { Images } from './settings/Images';
import { Keys } from './settings/Keys';
import { Notices } from './settings/Notices';
import { Surfaces } from './settings/Surfaces';

export function Settings() {
  if (!status.value) return <Waiting />;
  return (
    <div class="page">
      <Notices />
      <Images />
      <Surfaces />
      <Keys />
      <Certificates />
    </div>
  );
}
