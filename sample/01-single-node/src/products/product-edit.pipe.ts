import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import type { ProductEdit } from '../catalog/product.js';

/** The body of an edit: at least one of `name` and `priceCents`. */
@Injectable()
export class ProductEditPipe implements PipeTransform<unknown, ProductEdit> {
  transform(body: unknown): ProductEdit {
    const { name, priceCents } = (body ?? {}) as Record<string, unknown>;
    const isName = name === undefined || (typeof name === 'string' && name !== '');
    const isPrice = priceCents === undefined || isPositiveInteger(priceCents);
    if (!isName || !isPrice || (name === undefined && priceCents === undefined)) {
      throw new BadRequestException('Send { name } or { priceCents }, or both.');
    }
    return { ...(name !== undefined && { name }), ...(priceCents !== undefined && { priceCents }) };
  }
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
