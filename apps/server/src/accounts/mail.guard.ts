// Pages that need mail are not there on a broker without it.
import { type CanActivate, Injectable } from '@nestjs/common';
import { ProtocolError } from '#protocol';
import { Mailer } from '../mail/mailer.js';

@Injectable()
export class MailGuard implements CanActivate {
  constructor(private readonly mailer: Mailer) {}

  /** throws route_unknown */
  canActivate(): boolean {
    if (!this.mailer.configured) throw new ProtocolError('route_unknown');
    return true;
  }
}
