import { describe, expect, it } from '@jest/globals';
import { markup } from '../../../lib/inspector/markup.js';

describe('markup', () => {
  it('shows what is put in as text', () => {
    const key = `</script><img src=x onerror="alert('1')">&amp;`;

    expect(markup`<b title="${key}">${key}</b>`.text).toBe(`<b title="${ESCAPED}">${ESCAPED}</b>`);
  });

  it('puts in markup as it is, of lists each, and nothing for what is left out', () => {
    const rows = [1, 2].map((row) => markup`<i>${row}</i>`);

    expect(markup`<p>${rows}${undefined}${false}${[]}</p>`.text).toBe('<p><i>1</i><i>2</i></p>');
  });

  it('shows what no document may hold as a mark', () => {
    expect(markup`${'a\0b\uD800'}`.text).toBe('a\u2400b\uFFFD');
  });
});

const ESCAPED = '&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;';
