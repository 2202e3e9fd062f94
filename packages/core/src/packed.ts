/**
 * What keeps large documents small: registers in rows (0022), elements of sets in columns (0023).
 *
 * Many documents, or large ones, take a fifth to a tenth of the memory by it. It takes some bytes of a bundle, though, and
 * what is stored and sent is the same either way, so a program says whether it wants it: nodes do, and clients in Node; an
 * app in a browser that opens documents of ten thousands of fields may.
 */
import { PackedElements } from "./elements.js";
import { FieldRows } from "./field-rows.js";
import { makeRowsBy } from "./fields.js";
import { RegisterRows } from "./register-rows.js";
import { makeElementsBy } from "./set.js";

/**
 * Keeps documents in less memory, from now on; those that there are stay as they are. `isPacked` is asked for each part of
 * a document when it is made: tests have both kinds beside each other, which must not be told apart.
 */
export function packDocuments(isPacked: () => boolean = () => true): void {
  makeRowsBy((expected, input, authors) => {
    if (!isPacked()) return undefined;
    if (input !== undefined) return FieldRows.read(input, expected, authors!);
    return new FieldRows(new RegisterRows(expected));
  });
  makeElementsBy((plain) => (isPacked() ? new PackedElements() : plain()));
}
