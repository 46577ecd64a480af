require('reflect-metadata');
const { CACHE_MANAGER } = require('@nestjs/cache-manager');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { HyperCacheModule } = require('nestjs-hypercache');
const exercise = require('./exercise.cjs');

exercise({ Module, NestFactory, CACHE_MANAGER, HyperCacheModule }).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
