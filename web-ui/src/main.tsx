// The panel: the link, the keys, the frame, and the page that the address names.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { armed, expire } from './core/acts';
import { followAlarms } from './core/alarms';
import { BINDINGS } from './core/bindings';
import { asking, expireAsking } from './core/consent';
import { followEdition } from './core/edition';
import { letGo } from './core/glass';
import { followHistory } from './core/history';
import { listen } from './core/keys';
import { start } from './core/link';
import { follow, route } from './core/route';
import { followSession } from './core/session';
import { followSound } from './core/sound';
import { phase, tick } from './core/store';
import { keepSurface, locked } from './core/surface';
import { followWatching } from './core/watching';
import { ChannelPage } from './pages/Channel';
import { ClassList, ClassPage } from './pages/Classes';
import { ConfigurationPage } from './pages/Configuration';
import { Destinations } from './pages/Destinations';
import { Diagnostics } from './pages/Diagnostics';
import { OnAir } from './pages/OnAir';
import { Recordings } from './pages/Recordings';
import { Settings } from './pages/Settings';
import { SignIn } from './pages/SignIn';
import { Sources } from './pages/Sources';
import { Timeline } from './pages/Timeline';
import { Users } from './pages/Users';
import { Wall } from './pages/Wall';
import { EditionBand, LostBand, OpenBand, ReturnBand, tabTitle } from './parts/Bands';
import { Consent } from './parts/Consent';
import { Rail, Top } from './parts/Frame';
import { FreezeBand } from './parts/Freeze';
import { Glass } from './parts/Glass';
import { KeySheet } from './parts/KeySheet';
import { Plugged } from './parts/Plugged';
import { Strip } from './parts/Strip';
import { language, say, word } from './words/say';

function Page() {
  if (phase.value === 'forbidden') return <SignIn />;
  const here = route.value;
  switch (here.page) {
    case 'channel':
      return <ChannelPage key={here.channel} id={here.channel} />;
    case 'wall':
      return <Wall />;
    case 'sources':
      return <Sources />;
    case 'destinations':
      return <Destinations />;
    case 'recordings':
      return <Recordings />;
    case 'timeline':
      return <Timeline />;
    case 'classes':
      return <ClassList />;
    case 'class':
      return <ClassPage key={here.name} name={here.name} />;
    case 'configuration':
      return <ConfigurationPage />;
    case 'diagnostics':
      return <Diagnostics />;
    case 'settings':
      return <Settings />;
    case 'users':
      return <Users />;
    default:
      return <OnAir />;
  }
}

function heading(): string {
  const here = route.value;
  return here.page === 'class' ? `${say('stream_class')} ${here.name}` : word('page', here.page.replace('-', '_'));
}

function Panel() {
  const wall = route.value.page === 'wall';
  return (
    <div class={`frame ${wall ? 'is-wall' : ''} ${phase.value} ${locked.value ? 'locked' : ''}`}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {say('skip')}
      </button>
      <div class="head">
        <OpenBand />
        <FreezeBand />
        <EditionBand />
        <LostBand />
        <Top />
        <Strip />
        <ReturnBand />
        <Plugged />
        <Consent />
        <Glass />
      </div>
      <Rail />
      <main id="main" tabIndex={-1}>
        <h1 class="sr">{heading()}</h1>
        <Page />
      </main>
      <KeySheet bindings={BINDINGS} />
    </div>
  );
}

keepSurface();
follow();
followSession();
followAlarms();
followHistory();
followEdition();
followWatching();
followSound();
listen(BINDINGS);
start();
effect(() => {
  tick.value;
  expire();
  expireAsking();
});
effect(() => {
  document.title = tabTitle();
});
effect(() => {
  document.documentElement.lang = language.value;
});
// Another page: nothing armed goes with it, and what was below is not what is below.
effect(() => {
  route.value;
  armed.value = null;
  asking.peek()?.answer(false);
  letGo();
  scrollTo(0, 0);
});
const root = document.getElementById('panel');
if (root) render(<Panel />, root);
