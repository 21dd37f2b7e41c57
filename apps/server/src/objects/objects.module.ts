// Objects: what accounts have stored.
import { Module } from '@nestjs/common';
import { ListObjects } from './list-objects.js';
import { ObjectsController } from './objects.controller.js';

@Module({ controllers: [ObjectsController], providers: [ListObjects] })
export class ObjectsModule {}
