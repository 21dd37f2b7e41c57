// Where requests of visitors' browsers go that a relay sends over this peer's own connection.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** In a request of the relay: a visitor asks, and not the relay itself. */
export const VISIT_HEADER = 'peerkeep-visit';

/** Also the token under which it is injected. */
export abstract class RelayVisits {
  /** Does the owner let visitors in? The lease says so to the relay. */
  abstract readonly isOn: boolean;
  /** Answers each request, also one with `:protocol` (RFC 8441); never throws. */
  abstract serve(request: Http2ServerRequest, response: Http2ServerResponse): void;
}

/** Of a peer without pages. */
export const NO_VISITS: RelayVisits = {
  isOn: false,
  serve: (_request, response) => {
    response.writeHead(404);
    response.end();
  },
};
