// TypeDoc leaves out the braces of `@throws {CODE}`; the reference needs the codes.
import { Converter } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { comment } of Object.values(project.reflections)) {
      for (const tag of comment?.getTags('@throws') ?? []) {
        if (tag.typeAnnotation === undefined) continue;
        const codes = tag.typeAnnotation
          .replaceAll(/[{}]/g, '')
          .split('|')
          .map((code) => `\`${code.trim()}\``);
        tag.content.unshift(
          ...codes.map((text, i) => ({ kind: 'code', text: i === 0 ? text : `, ${text}` })),
          { kind: 'text', text: ' ' },
        );
        delete tag.typeAnnotation;
      }
    }
  });
}
