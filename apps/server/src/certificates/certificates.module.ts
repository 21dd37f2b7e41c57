// Certificates: peers renew theirs here.
import { Module } from '@nestjs/common';
import { PeersModule } from '../peers/peers.module.js';
import { CertificatesController } from './certificates.controller.js';
import { RenewCertificate } from './renew-certificate.js';

@Module({ imports: [PeersModule], controllers: [CertificatesController], providers: [RenewCertificate] })
export class CertificatesModule {}
