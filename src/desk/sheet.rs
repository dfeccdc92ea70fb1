//! What all pages of reports share: their head and their style.
//!
//! What: [`head`]: no scripts, nothing from the network, light and dark, made to be printed. Standard: HTML.
//! Not here: the pages that show messages (`pages`), which frame other people's HTML. Called by: the pages beside it.
//! Can fail: nothing.

use maud::{Markup, PreEscaped, html};

/// The head of a page with this title.
pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy"
                content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; --page: #f1eee8; --sheet: #fdfcf9; --rule: #ddd8cc; --firm: #c9c3b6; --ink: #23272e;
  --quiet: #626973; --title: #1c2f4a; --wash: #f5f2eb; --accepted: #2f6690; --deferred: #b7791f; --refused: #b3392f;
  --doubt: #7a4fa0;
  --serif: Georgia, 'Times New Roman', 'Noto Serif', 'DejaVu Serif', serif;
  --sans: 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans Arabic', 'PingFang SC', 'Noto Sans CJK SC', sans-serif; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15181d; --sheet: #1e2228; --rule: #343a44; --firm: #454c58; --ink: #dcdfe4; --quiet: #a4abb6;
    --title: #c6d6ec; --wash: #232830; --accepted: #7fb2dd; --deferred: #e0ab55; --refused: #ee8278; --doubt: #c09be0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 48px 24px 72px; background: var(--page); color: var(--ink);
  font: 15px/1.5 var(--sans); }
header { margin: 0 0 28px; }
.origin { margin: 0 0 10px; color: var(--quiet); font-size: 13px; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: 0 0 16px; padding-bottom: 18px; border-bottom: 1px solid var(--firm); color: var(--title);
  font: 29px/1.3 var(--serif); text-wrap: balance; }
.lead p { margin: 0 0 4px; max-width: 60em; }
.lead p:first-child { font-size: 17px; color: var(--title); }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0 0 24px; }
.tile { padding: 14px 18px 12px; border: 1px solid var(--rule); border-top: 3px solid currentColor; background: var(--sheet); }
.tile b { display: block; font: 30px/1.2 var(--serif); font-variant-numeric: lining-nums; }
.tile span { color: var(--quiet); font-size: 14px; }
.tile.none { color: var(--firm); }
.tile.none b { color: var(--quiet); }
.accepted { color: var(--accepted); fill: var(--accepted); } .deferred { color: var(--deferred); fill: var(--deferred); }
.refused { color: var(--refused); fill: var(--refused); } .doubt { color: var(--doubt); fill: var(--doubt); }
section { margin: 0 0 24px; padding: 18px 22px 20px; border: 1px solid var(--rule); background: var(--sheet); }
h2 { margin: 0 0 12px; color: var(--title); font: 600 19px/1.3 var(--serif); }
figure { margin: 0; overflow-x: auto; }
.chart { display: block; width: 100%; min-width: 600px; height: auto; font: 12px var(--sans); }
.axis { fill: var(--quiet); } .grid { stroke: var(--rule); } .base { stroke: var(--firm); }
figcaption { margin-top: 6px; }
.key { margin-right: 18px; font-size: 14px; } .key::before { content: ''; display: inline-block; width: 11px; height: 11px;
  margin-right: 7px; background: currentColor; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--firm); color: var(--quiet); font-weight: 600; font-size: 13px;
  text-align: left; vertical-align: bottom; white-space: nowrap; }
td { padding: 7px 10px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
tr > :last-child { padding-right: 0; } tbody tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n:not(:last-child), td.n:not(:last-child) { padding-right: 18px; }
.zero { color: var(--quiet); opacity: .7; } .quiet { color: var(--quiet); } .code { font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child:not(.n) { min-width: 9em; } .mark { white-space: nowrap; font-weight: 600; } .words { min-width: 16em; } .address { min-width: 11em; }
.note { margin: 0 0 12px; color: var(--quiet); font-size: 14px; } .scroll + .note { margin: 12px 0 0; }
dl { display: flex; flex-wrap: wrap; gap: 10px 42px; margin: 0; } dt { color: var(--quiet); font-size: 13px; }
.when { overflow-wrap: normal; } dd { margin: 0; overflow-wrap: anywhere; } .latency { margin-bottom: 8px; }
.latency dd { font: 22px/1.3 var(--serif); font-variant-numeric: lining-nums; color: var(--title); }
footer { color: var(--quiet); font-size: 13px; } footer p { margin: 0 0 4px; }
@media (max-width: 640px) { body { padding: 24px 12px 48px; } .tiles { grid-template-columns: 1fr 1fr; }
  section { padding: 14px 14px 16px; } .clock { display: none; } .words { min-width: 12em; }
  /* Words in a chart are as small as it is: it is wider than the screen, and moves. */
  .chart { min-width: 860px; } }
@media print { :root { --page: #fff; --sheet: #fff; } body { max-width: none; padding: 0; font-size: 10.5pt; }
  section { break-inside: avoid-page; padding: 12px 0; border-width: 1px 0 0; margin-bottom: 8px; } .scroll { overflow: visible; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
";
