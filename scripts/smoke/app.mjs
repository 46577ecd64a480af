import 'reflect-metadata';
import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HyperCacheModule } from 'nestjs-hypercache';
import exercise from './exercise.cjs';

await exercise({ Module, NestFactory, CACHE_MANAGER, HyperCacheModule });
