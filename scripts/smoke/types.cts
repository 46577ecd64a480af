import { Injectable, Module } from '@nestjs/common';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';

@Injectable()
export class Reports {
  constructor(readonly cache: HyperCache) {}
}

@Module({
  imports: [HyperCacheModule.forRoot({ role: 'primary', sqlitePath: './cache' })],
  providers: [Reports],
})
export class AppModule {}
