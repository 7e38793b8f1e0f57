/** How long a key may be: a name of a file has to fit, together with all folders above it. */

/** @see S3 API reference, object key naming: 1,024 bytes of UTF-8 */
export const KEY_BYTES_MAX = 1_024
/**
 * What a mount may ask of a server that takes longer keys: twice the longest path that a program can
 * name at once on Linux, whatever the folder is in which it stands.
 */
export const LONG_KEY_BYTES_MAX = 8_192
