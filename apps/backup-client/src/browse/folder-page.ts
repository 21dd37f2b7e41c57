// A folder as a page for a browser: names, sizes and times, no script. Pure.
import { encodeStep } from '#backup';
import { formatBytes } from '../format.js';
import { escapeXml } from './multistatus.js';
import type { Resource } from './resource.js';

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
} as const;

/** steps: of the folder, from the root of the view */
export function pageStart(steps: readonly Uint8Array[]): string {
  const title = escapeXml(`/${steps.map((step) => Buffer.from(step).toString()).join('/')}`);
  const up = steps.length === 0 ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font-family:sans-serif;margin:1em}td,th{text-align:left;padding:.1em 1.5em .1em 0}td+td{white-space:nowrap}</style>
</head><body><h1>${title}</h1>
<table><thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col">Changed (UTC)</th></tr></thead><tbody>
${up}`;
}

export function pageRow(resource: Resource): string {
  const slash = resource.kind === 'folder' ? '/' : '';
  const name = escapeXml(Buffer.from(resource.name).toString()) + slash;
  const size = resource.kind === 'folder' ? '' : formatBytes(resource.sizeBytes);
  const time = resource.modifiedMs === null ? '' : shortTime(resource.modifiedMs);
  // The leading dot keeps a name with a colon from being read as a scheme.
  return `<tr><td><a href="./${encodeStep(resource.name)}${slash}">${name}</a></td><td>${size}</td><td>${time}</td></tr>\n`;
}

export const PAGE_END = '</tbody></table></body></html>\n';

/** Empty for a time that a calendar of four-digit years has not. */
function shortTime(ms: number): string {
  const date = new Date(ms);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return /^\d{4}-/.test(text) ? text.slice(0, 'YYYY-MM-DDThh:mm'.length).replace('T', ' ') : '';
}
