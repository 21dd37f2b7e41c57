// POST /v1/certificates
import { Body, Controller, Post } from '@nestjs/common';
import {
  type RenewCertificateAnswer,
  type RenewCertificateRequest,
  renewCertificateAnswer,
  renewCertificateRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ForRelaysToo } from '../control/relay-rights.js';
import { RenewCertificate } from './renew-certificate.js';

@Controller('v1/certificates')
export class CertificatesController {
  constructor(private readonly renew: RenewCertificate) {}

  @Post()
  @ForRelaysToo()
  @Answers(renewCertificateAnswer)
  post(
    @CurrentCaller() caller: Caller,
    @Body({ schema: renewCertificateRequest }) request: RenewCertificateRequest,
  ): Promise<RenewCertificateAnswer> {
    return this.renew.run(caller, request);
  }
}
