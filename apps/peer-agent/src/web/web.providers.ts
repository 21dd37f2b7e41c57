// What the agent's pages are made of.
import type { Provider } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import { RelayVisits } from '../relay-link/relay-visits.js';
import { FilePages } from './file-pages.js';
import { HomeView } from './home-view.js';
import { ReadHostFacts } from './host-facts.js';
import { OwnerPages } from './owner-pages.js';
import { Sessions } from './sessions.js';
import { ShareDesk } from './share-desk.js';
import { SharePages } from './share-pages.js';
import { SignInCodes } from './sign-in-code.js';
import { StatusEvents } from './status-events.js';
import { WebApplication } from './web-application.js';
import { WebListener } from './web-listener.js';
import { WebVisits } from './web-visits.js';

export const WEB: Provider[] = [
  { provide: SignInCodes, useFactory: (home: PeerHome) => new SignInCodes(home.path), inject: [PeerHome] },
  { provide: Sessions, useFactory: () => new Sessions() },
  ShareDesk,
  SharePages,
  ReadHostFacts,
  StatusEvents,
  HomeView,
  FilePages,
  OwnerPages,
  WebApplication,
  WebListener,
  { provide: RelayVisits, useClass: WebVisits },
];
