/** A row of the catalog. */
export interface Product {
  id: number;
  name: string;
  category: string;
  priceCents: number;
  sold: number;
  description: string;
}

/** What an edit may change. */
export type ProductEdit = Partial<Pick<Product, 'name' | 'priceCents'>>;
