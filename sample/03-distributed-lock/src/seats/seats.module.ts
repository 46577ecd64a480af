import { Module } from '@nestjs/common';
import { SeatsController } from './seats.controller.js';
import { SeatsService } from './seats.service.js';

@Module({ controllers: [SeatsController], providers: [SeatsService] })
export class SeatsModule {}
