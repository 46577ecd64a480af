import { Module, type DynamicModule } from '@nestjs/common';
import { HyperCacheInspector } from './hyper-cache-inspector.js';
import { createInspectorController } from './inspector.controller.js';
import {
  INSPECTOR_OPTIONS,
  resolveInspectorOptions,
  type HyperCacheInspectorOptions,
} from './inspector-options.js';

/**
 * A page that shows the content and the activity of this application's node. It needs `HyperCacheModule.forRoot()`.
 *
 * @publicApi
 */
@Module({})
export class HyperCacheInspectorModule {
  /**
   * @param options `guards` of the application, or `listen` on a loopback address: without either it refuses to start
   * @throws {HC_OPTIONS_INVALID}
   */
  static forRoot(options: HyperCacheInspectorOptions): DynamicModule {
    const resolved = resolveInspectorOptions(options);
    return {
      module: HyperCacheInspectorModule,
      imports: [...resolved.imports],
      controllers: resolved.listen === undefined ? [createInspectorController(resolved)] : [],
      providers: [{ provide: INSPECTOR_OPTIONS, useValue: resolved }, HyperCacheInspector],
      exports: [HyperCacheInspector],
    };
  }
}
