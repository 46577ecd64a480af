import { Module } from '@nestjs/common';
import { HyperCacheModule } from 'nestjs-hypercache';
import { OriginController } from './origin.controller.js';
import { OriginService } from './origin.service.js';
import { PricesController } from './prices.controller.js';

@Module({
  imports: [HyperCacheModule.forRoot()],
  controllers: [OriginController, PricesController],
  providers: [OriginService],
})
export class AppModule {}
