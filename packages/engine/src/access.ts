import type { Change, Document, DocumentName } from "@syncline/core";
import type { Fault, Hello } from "@syncline/protocol";

/**
 * Who may come in and who may do what: asked here and nowhere else.
 *
 * The engine asks for every document that is opened and every change that is offered, over whichever way it came.
 */
export type Right = "read" | "write" | "schema" | "admin";

/** Whom a link or a request speaks for; whatever `authenticate` made of it. */
export interface Who {
  /** For logs. */
  readonly name: string;
}

export interface Access {
  /** Called once per client link. May answer later; the greeting has a deadline of its own. */
  authenticate(hello: Hello, answer: (result: Who | Fault) => void): void;
  authorize(who: Who, document: DocumentName, right: Right): boolean;
}

export const isFault = (result: Who | Fault): result is Fault => "code" in result;

/** Everybody may do everything. For nodes that only their own machine can reach. */
export const openAccess: Access = {
  authenticate: (hello, answer) => answer({ name: hello.name }),
  authorize: () => true,
};

/**
 * Looks into changes of kinds that the engine does not understand, before a master accepts them.
 *
 * An objection that something is `missing` may be over when it has come; `malformed` is for good. A change without an
 * objection counts as accepted.
 */
export interface Inspector {
  objection(
    change: Change,
    document: () => Document | undefined,
  ): { readonly kind: "malformed" | "missing"; readonly reason: string } | undefined;
}
