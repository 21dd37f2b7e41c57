// A list as it comes page by page, with what is said while there is nothing of it.
import type { ComponentChildren } from 'preact';
import { Empty, Loading, ProblemNote } from './notes.js';
import { type Column, Table } from './table.js';
import type { Listed } from './use-pages.js';

interface ListParts<R> {
  readonly list: Listed<R>;
  readonly caption: string;
  readonly columns: readonly Column<R>[];
  readonly rowKey: (row: R) => string;
  readonly empty: string;
  readonly emptyMore?: ComponentChildren;
}

export function List<R>({ list, caption, columns, rowKey, empty, emptyMore }: ListParts<R>) {
  const { items, refusal, hasMore, more } = list;
  return (
    <>
      {refusal !== null && <ProblemNote refusal={refusal} />}
      {items === null && refusal === null && <Loading />}
      {items !== null && items.length === 0 && <Empty title={empty}>{emptyMore}</Empty>}
      {items !== null && items.length > 0 && (
        <Table caption={caption} columns={columns} rows={items} rowKey={rowKey} more={hasMore ? more : null} />
      )}
    </>
  );
}
