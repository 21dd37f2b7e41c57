// What may be wider than the window: scrolled by keyboard too, and a stop of the Tab key only while it has to be.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    const scrolled = element.current;
    if (scrolled === null) return;
    const look = (): void => {
      const isWider = scrolled.scrollWidth > scrolled.clientWidth || scrolled.scrollHeight > scrolled.clientHeight;
      if (isWider) scrolled.tabIndex = 0;
      else scrolled.removeAttribute('tabindex');
    };
    const resized = new ResizeObserver(look);
    resized.observe(scrolled);
    for (const child of scrolled.children) resized.observe(child);
    return () => resized.disconnect();
  }, []);
  return (
    <section ref={element} class="scroll" aria-label={label}>
      {children}
    </section>
  );
}
