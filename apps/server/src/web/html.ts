// HTML that escapes whatever is put into it, as all programs of ours make it.
export { Html, type HtmlValue, html, raw } from '#process';
