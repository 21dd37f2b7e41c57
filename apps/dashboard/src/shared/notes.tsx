// What a page says when there is nothing to show, when it still asks, or when it was refused.
import type { ComponentChildren } from 'preact';
import type { Refused } from './api.js';

export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

export function Loading() {
  return <p class="loading">Loading…</p>;
}

export function ProblemNote({ refusal }: { readonly refusal: Refused }) {
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{capital(refusal.title)}.</strong> {refusal.hint}
      </p>
      {refusal.detail !== null && refusal.detail !== refusal.title && <p class="detail">{refusal.detail}</p>}
    </div>
  );
}

export function DoneNote({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="note good" role="status">
      <p>{children}</p>
    </div>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
