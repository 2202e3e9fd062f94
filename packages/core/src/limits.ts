/** Every limit of core, in one table. Bytes are bytes of UTF-8 where text is meant. */
export const CORE_LIMITS = {
  /** Name of a collection, in bytes. */
  collectionBytesMax: 64,
  /** Key of a document in its collection, and every path step below the first, in bytes. */
  keyBytesMax: 256,
  /** Name of a field, in bytes. */
  fieldBytesMax: 128,
  /** Steps of one path. */
  pathDepthMax: 16,
  /** Canonical encoding of one value, in bytes. */
  valueBytesMax: 262_144,
  /** Lists and objects inside one another. */
  valueDepthMax: 64,
  /** Ops of one change. */
  opsPerChangeMax: 10_000,
  /** Different paths of one change. */
  pathsPerChangeMax: 1_000,
  /** Heads of a document that one change names as observed; the newest are named. */
  headsPerChangeMax: 1_024,
  /** Other authors that one change mentions in all: observed heads, and authors of what its ops remove or reset. */
  authorsPerChangeMax: 32_768,
  /** One encoded change, in bytes. */
  changeBytesMax: 524_288,
  /** Magnitude of one counter op. */
  counterStepMax: 2 ** 31,
  /** One document in state form, in bytes. */
  stateBytesMax: 2 ** 30,
  /** Lost values that a document remembers. Beyond it the oldest are let go. */
  conflictsPerDocumentMax: 100,
  /** Authors whose writes a deletion tells apart. Where there are more, it says of none whether its maker had seen them. */
  deletionAuthorsMax: 4_096,
  /** Greatest wire tag of a kind. */
  kindTagMax: 65_535,
} as const;

/** Those of what both ends of a link know by number: between nodes only, so clients do not ship them. */
export const LINK_LIMITS = {
  /** Documents that both ends of a link know by number. */
  linkDocumentsMax: 1_024,
  /** Authors in documents that both ends of a link know by number. */
  linkWritersMax: 4_096,
  /** Paths that both ends of a link know by number. */
  linkPathsMax: 1_024,
  /** Shapes of changes that both ends of a link know by number. */
  linkShapesMax: 4_096,
} as const;
