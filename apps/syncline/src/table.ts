/** Rows as aligned text: every column as wide as its widest cell, numbers to the right. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly right?: boolean;
}

export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => [...(line[i] ?? "")].length)));
  const lines = cells.map((line) =>
    line
      .map((cell, i) => {
        const space = " ".repeat((widths[i] ?? 0) - [...cell].length);
        return columns[i]?.right ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
