// Starts the admin interface: an application of its own on a listener of its own, with the broker's certificate authority.
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ListenAddress } from '#process';
import { HttpsListener } from '../platform/https-listener.js';
import { NestLog } from '../platform/nest-log.js';
import type { PlatformParts } from '../platform/platform.module.js';
import { AdminOrigin } from './access/admin-origin.js';
import { adminModule } from './admin.module.js';
import type { LiveBroker } from './live-broker.js';
import { AdminDocument } from './routes/admin-document.js';
import { AdminRoutes } from './routes/admin-routes.js';

export interface RunningAdmin {
  /** `https://127.0.0.1:4711` */
  readonly origin: string;
  /** Replace the listener's certificate when less than `remainingMs` of its life is left. */
  renewWhenDue(remainingMs: number): Promise<void>;
  /** Refuse new requests, wait for those that run. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** throws EADDRINUSE and its kin */
export async function startAdmin(
  platform: PlatformParts,
  live: LiveBroker,
  listen: ListenAddress,
): Promise<RunningAdmin> {
  const { authority, clock, log, settings } = platform;
  const { trustedProxies } = settings.policy;
  const listener = await HttpsListener.create(authority, listen, { clock, log, trustedProxies });
  const origin = new AdminOrigin();
  const routes = new AdminRoutes();
  const document = new AdminDocument();
  routes.hear(listener.adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(
    adminModule({ platform, live, origin, routes, document }),
    listener.adapter,
    { logger: new NestLog(log), bodyParser: false, abortOnError: false },
  );
  await app.init();
  document.describes(app);
  const declared = routes.all.length + routes.open.length;
  const { address, port } = await listener.listen(app, origin);
  log.info({ event: 'admin_started', address, port, routes: declared });
  return {
    origin: origin.text,
    renewWhenDue: (remainingMs) => listener.renewWhenDue(remainingMs),
    drain: () => listener.drain(),
    close: () => listener.close(app),
  };
}
