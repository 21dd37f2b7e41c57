// What the broker signs for others to see, and the keys of local networks.
import { Module } from '@nestjs/common';
import { LanKeys } from './lan-keys.js';
import { SigningKeys } from './signing-keys.js';

@Module({ providers: [SigningKeys, LanKeys], exports: [SigningKeys, LanKeys] })
export class SigningModule {}
