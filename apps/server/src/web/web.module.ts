// The web pages that belong to no feature: the start page and the style sheet.
import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AssetsController } from './assets.controller.js';
import { LandingController } from './landing.controller.js';

@Module({ imports: [SessionsModule], controllers: [AssetsController, LandingController] })
export class WebModule {}
