/**
 * The types that every document may have, without the writing of their states: for clients, which mostly write none.
 * Who uses a type alone takes it from the package itself.
 */
export { pnCounter } from "./counter.js";
export { orMap } from "./map.js";
export { record } from "./record.js";
export { lwwRegister } from "./register.js";
export { orSet } from "./set.js";
