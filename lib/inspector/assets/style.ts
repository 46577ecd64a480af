/** The style sheet. @internal */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --edge: #dfe3e9; --text: #1b2330; --soft: #5a6677; --accent: #2456c9;
  --good: #146c3c; --good-back: #dff3e6; --bad: #b3261e; --bad-back: #fbe4e2; --warn: #7a5200; --warn-back: #fbeecb;
  --c1: #2f6fde; --c2: #1d8a4e; --c3: #c8402f; --c4: #8a4fc7;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --edge: #2c3543; --text: #e6eaf0; --soft: #9aa7b8; --accent: #86aefc;
    --good: #6fd79b; --good-back: #16351f; --bad: #ff9087; --bad-back: #43201d; --warn: #f0c66b; --warn-back: #3b2d0c;
    --c1: #6ea2ff; --c2: #58c98a; --c3: #ff8071; --c4: #c394f5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .4rem .8rem; z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
header { background: var(--card); border-bottom: 1px solid var(--edge); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; max-width: 78rem; margin: 0 auto; padding: .8rem 1.2rem .4rem; }
.brand { display: flex; align-items: center; gap: .5rem; font-weight: 650; font-size: 1.1rem; letter-spacing: -.01em; }
.state { margin-left: auto; display: flex; align-items: center; gap: .7rem; color: var(--soft); font-size: .87rem; }
.dot { display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--soft); margin-right: .4em; }
.on .dot { background: var(--c2); }
.off .dot { background: var(--c3); }
header nav { max-width: 78rem; margin: 0 auto; padding: 0 .6rem; overflow-x: auto; }
header nav ul { display: flex; list-style: none; margin: 0; padding: 0; }
header nav a { display: block; padding: .55rem .65rem; color: var(--soft); text-decoration: none; white-space: nowrap; border-bottom: 3px solid transparent; }
header nav a:hover { color: var(--text); }
header nav a:focus-visible { outline-offset: -3px; }
header nav a[aria-current] { color: var(--text); font-weight: 600; border-color: var(--accent); }
main { max-width: 78rem; margin: 0 auto; padding: 1.2rem; }
h1 { font-size: 1.35rem; margin: 0 0 1rem; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 1.6rem 0 .7rem; overflow-wrap: anywhere; }
section:first-child h2 { margin-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr)); gap: .8rem; margin: 0; }
.tile { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .75rem .9rem; min-width: 0; }
.tile dt { color: var(--soft); font-size: .85rem; }
.tile dd { margin: .1rem 0 0; font-size: 1.45rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tile dd.note { font-size: .8rem; font-weight: 400; color: var(--soft); }
.tile.bad dd:not(.note) { color: var(--bad); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: .8rem; }
.chart { margin: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .75rem .9rem .6rem; min-width: 0; }
.chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-bottom: .6rem; font-size: .87rem; }
.chart-title { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 0 .9rem; color: var(--soft); }
.legend b { color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
.series::before { content: ""; display: inline-block; width: .8em; height: 3px; border-radius: 2px; vertical-align: middle; margin-right: .35em; background: currentColor; }
.c1::before { color: var(--c1); } .c2::before { color: var(--c2); } .c3::before { color: var(--c3); } .c4::before { color: var(--c4); }
.plot { position: relative; }
.plot svg { display: block; width: 100%; height: 7rem; overflow: visible; }
.plot .top { position: absolute; top: .1rem; left: 0; font-size: .75rem; color: var(--soft); }
.axis { display: flex; justify-content: space-between; font-size: .75rem; color: var(--soft); margin-top: .3rem; }
.grid { stroke: var(--edge); stroke-width: 1; vector-effect: non-scaling-stroke; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
path.c1 { stroke: var(--c1); } path.c2 { stroke: var(--c2); } path.c3 { stroke: var(--c3); } path.c4 { stroke: var(--c4); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--edge); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .5rem .9rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:hover { background: color-mix(in srgb, var(--accent) 6%, transparent); }
thead th { color: var(--soft); font-weight: 500; font-size: .82rem; }
tbody th { font-weight: 500; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
a.key, span.key { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .88em; white-space: pre-wrap; overflow-wrap: anywhere; display: inline-block; min-width: 12rem; unicode-bidi: isolate; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .88em; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .9rem; margin: 0; overflow: auto; max-height: 40rem; white-space: pre-wrap; }
.badge { display: inline-block; padding: 0 .55em; border-radius: 99px; font-size: .85em; border: 1px solid var(--edge); color: inherit; text-decoration: none; overflow-wrap: anywhere; white-space: normal; }
.badge.good { color: var(--good); background: var(--good-back); border-color: transparent; }
.badge.bad { color: var(--bad); background: var(--bad-back); border-color: transparent; }
.badge.warn { color: var(--warn); background: var(--warn-back); border-color: transparent; }
.tags { display: inline-flex; flex-wrap: wrap; gap: .3rem; }
.empty, .hint { color: var(--soft); }
.empty { background: var(--card); border: 1px dashed var(--edge); border-radius: 10px; padding: 1.2rem; text-align: center; margin: 0; }
.trouble { background: var(--bad-back); color: var(--bad); border-radius: 10px; padding: .6rem .9rem; margin: 0 0 .8rem; }
.search { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin-bottom: 1.4rem; }
label { color: var(--soft); font-size: .85rem; display: grid; gap: .2rem; min-width: 0; }
label.wide { flex: 1 1 14rem; }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: .4rem .7rem; max-width: 100%; color: var(--text); }
input, select { font-size: .95rem; height: 2.4rem; }
.search button { height: 2.4rem; }
button { cursor: pointer; }
button:hover { border-color: var(--soft); }
button.danger { color: var(--bad); padding: .1rem .6rem; font-size: .88rem; }
.bar button { padding: .15rem .7rem; font-size: .87rem; }
.buttons { display: flex; gap: .6rem; margin: 0 0 .9rem; }
.pager { display: flex; gap: 1.2rem; margin-top: .9rem; }
#message:not(:empty) { background: var(--warn-back); color: var(--warn); border-radius: 10px; padding: .6rem .9rem; margin: 0 0 1rem; }
[hidden] { display: none !important; }
@media (max-width: 40rem) {
  .bar { padding: .7rem .9rem .3rem; } main { padding: .9rem; } header nav { padding: 0 .3rem; }
  .tiles { grid-template-columns: 1fr 1fr; } .tile dd { font-size: 1.2rem; } th, td { padding: .45rem .7rem; }
}
@media (prefers-reduced-motion: no-preference) { .dot { transition: background .3s; } }
`;
