/** How objects are called that Pail makes to find out what a server can do, and takes away again. */
export const SCRATCH_NAME = '.pail-probe-'
