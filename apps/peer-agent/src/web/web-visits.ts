// Requests of visitors that a relay sends over the peer's own connection: to the pages, if the owner lets visitors in.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Injectable } from '@nestjs/common';
import { AgentConfig } from '../config.js';
import { RelayVisits } from '../relay-link/relay-visits.js';
import { WebApplication } from './web-application.js';

@Injectable()
export class WebVisits extends RelayVisits {
  constructor(
    private readonly config: AgentConfig,
    private readonly application: WebApplication,
  ) {
    super();
  }

  get isOn(): boolean {
    return (this.config.web?.visits ?? 'none') !== 'none';
  }

  serve(request: Http2ServerRequest, response: Http2ServerResponse): void {
    this.application.serve(request, response, 'visit');
  }
}
