import { Body, Controller, Get, NotFoundException, Param, Post, Put } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';

export interface Note {
  id: string;
  text: string;
  /** The node that wrote it. */
  by: string;
}

/** Notes on a board that all nodes show. */
@Controller('notes')
export class NotesController {
  constructor(private readonly cache: HyperCache) {}

  @Get(':id')
  async read(@Param('id') id: string): Promise<Note> {
    const note = await this.cache.get<Note>(`note:${id}`);
    if (note === undefined) throw new NotFoundException(`There is no note ${id}.`);
    return note;
  }

  @Put(':id')
  async write(@Param('id') id: string, @Body('text') text: unknown): Promise<Note> {
    const note = { id, text: String(text), by: process.env['NODE_NAME'] ?? 'this node' };
    await this.cache.set(`note:${id}`, note);
    return note;
  }

  /** Counted on all nodes together. */
  @Post(':id/likes')
  async like(@Param('id') id: string): Promise<{ likes: number }> {
    return { likes: await this.cache.increment(`likes:${id}`) };
  }
}
