export { ClusterCron, type ClusterCronOptions } from './cluster-cron.decorator.js';
export { HyperCacheScheduleModule } from './hyper-cache-schedule.module.js';
