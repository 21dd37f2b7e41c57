// The one style sheet of all web pages. Its address changes with its content, so browsers may keep it.
import { createHash } from 'node:crypto';

// Colours keep a contrast of 7:1 for text and 4.5:1 for borders and focus rings in both schemes (WCAG 2.2 §1.4.3, §1.4.11).
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --surface: #ffffff; --text: #1c2024; --fine: #494f55; --line: #6b7178; --soft: #dcdfe2;
  --accent: #1a5276; --on-accent: #ffffff; --bad: #9b1c1c; --bad-ground: #fdf1f0; --good: #1d5c32; --good-ground: #eff8f1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --surface: #1c2024; --text: #eceef0; --fine: #b6bcc2; --line: #8d949b; --soft: #363c42;
    --accent: #8cc4ea; --on-accent: #10202c; --bad: #ffb4ab; --bad-ground: #33191a; --good: #a5dab2; --good-ground: #16291c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
header, main, footer { max-width: 44rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding-block: 1.1rem; }
header nav { display: flex; gap: .75rem 1.25rem; align-items: center; margin-inline-start: auto; }
header form { margin: 0; }
main { padding-block: 1rem 2rem; }
main:focus { outline: none; }
footer { border-block-start: 1px solid var(--soft); color: var(--fine); font-size: .9rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p { margin: .7rem 0; max-width: 38rem; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .15em; }
.brand { font-weight: 650; font-size: 1.1rem; text-decoration: none; color: var(--text); }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--surface); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
form { max-width: 26rem; }
label { display: block; margin-block-start: 1rem; font-weight: 600; }
.hint { margin: .1rem 0 .3rem; color: var(--fine); font-size: .9rem; }
input:not([type=hidden], [type=checkbox], [type=radio]), select {
  width: 100%; padding: .55rem .65rem; font: inherit; color: inherit; background: var(--surface);
  border: 1px solid var(--line); border-radius: .3rem;
}
input[aria-invalid=true] { border: 2px solid var(--bad); }
button {
  margin-block-start: 1.3rem; padding: .55rem 1.1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .3rem;
}
button.quiet { margin: 0; padding: .2rem .6rem; color: var(--accent); background: transparent; }
button.danger { color: var(--bad); background: transparent; border-color: var(--bad); }
.notice, [role=alert], [role=status] { padding: .1rem 1rem; border-inline-start: .3rem solid var(--line); }
[role=alert] form { padding-block-end: .9rem; }
[role=alert] { border-color: var(--bad); background: var(--bad-ground); color: var(--bad); }
[role=status] { border-color: var(--good); background: var(--good-ground); color: var(--good); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--fine); padding-block-end: .4rem; }
th, td { text-align: start; padding: .5rem .9rem .5rem 0; border-block-end: 1px solid var(--soft); vertical-align: top; }
th { font-weight: 600; overflow-wrap: anywhere; }
th[scope=col] { white-space: nowrap; }
th[scope=row] { min-width: 7rem; }
td form button { margin: 0; padding: .15rem .6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { color: var(--fine); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
.fault { margin: .1rem 0 .3rem; color: var(--bad); font-weight: 600; }
.fine { color: var(--fine); font-size: .9rem; }
.code { font: 600 1.4rem/1.4 ui-monospace, monospace; letter-spacing: .08em; }
fieldset { border: 1px solid var(--soft); border-radius: .3rem; margin: 1.2rem 0 0; padding: .4rem 1rem 1rem; }
legend { font-weight: 600; padding: 0 .4rem; }
img { max-width: 100%; height: auto; }
audio { width: 100%; }
`;

const version = createHash('sha256').update(STYLE).digest('hex').slice(0, 16);

export const STYLE_PATH = `/assets/style.css?v=${version}`;
