import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ProductViewsService } from './product-views.service.js';
import { ProductsController } from './products.controller.js';
import { ProductsService } from './products.service.js';

@Module({
  imports: [CatalogModule],
  controllers: [ProductsController],
  providers: [ProductsService, ProductViewsService],
})
export class ProductsModule {}
