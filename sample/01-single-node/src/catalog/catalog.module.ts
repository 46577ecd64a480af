import { Module } from '@nestjs/common';
import { catalogDatabase } from './catalog.database.js';
import { CatalogService } from './catalog.service.js';

@Module({ providers: [catalogDatabase, CatalogService], exports: [CatalogService] })
export class CatalogModule {}
