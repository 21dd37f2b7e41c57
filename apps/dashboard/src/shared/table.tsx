// A table with a caption that names it, numbers on the right, and a button for the next page where there is one.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Scroll } from './scroll.js';

export interface Column<R> {
  readonly title: string;
  readonly cell: (row: R) => ComponentChildren;
  readonly isNumber?: boolean;
  /** Long texts may break. */
  readonly isText?: boolean;
}

interface TableParts<R> {
  readonly caption: string;
  /** The first one names the row. */
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly rowKey: (row: R) => string;
  /** Without one this is the last page. */
  readonly more?: (() => Promise<void>) | null;
  readonly isCaptionShown?: boolean;
}

export function Table<R>({ caption, columns, rows, rowKey, more = null, isCaptionShown = false }: TableParts<R>) {
  const [isAsking, setIsAsking] = useState(false);
  const askMore = async (): Promise<void> => {
    if (more === null) return;
    setIsAsking(true);
    try {
      await more();
    } finally {
      setIsAsking(false);
    }
  };
  return (
    <div class="table">
      <Scroll label={caption}>
        <table>
          <caption class={isCaptionShown ? '' : 'hidden'}>{caption}</caption>
          <thead>
            <tr>
              {columns.map(({ title, isNumber }) => (
                <th key={title} scope="col" class={isNumber ? 'number' : ''}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map(({ title, cell, isNumber, isText }, i) => {
                  const kind = isNumber ? 'number' : isText ? 'text' : '';
                  return i === 0 ? (
                    <th key={title} scope="row" class={kind}>
                      {cell(row)}
                    </th>
                  ) : (
                    <td key={title} class={kind}>
                      {cell(row)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {more !== null && (
        <p class="more">
          <button type="button" class="quiet" disabled={isAsking} onClick={() => void askMore()}>
            {isAsking ? 'Loading…' : 'Show more'}
          </button>
          <span class="fine"> {rows.length} shown</span>
        </p>
      )}
    </div>
  );
}
