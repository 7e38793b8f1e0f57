/**
 * Files of the C pjdfstest in which assertions fail on a mount, each with its reason.
 *
 * Keeps: only what object storage cannot hold stands here. A file that passes after all, and one
 *        that fails and is not named, makes the run fail.
 */
import { casesOf, type Misses } from './expected.ts'

const MISSES: readonly Misses[] = [
  {
    reason: 'a bucket holds no pipes, sockets and devices: the file makes one (EPERM)',
    cases: `
      chmod/00 chmod/01 chmod/11 chown/00 chown/01 chown/07 link/00 link/01 link/10
      mkdir/01 mkdir/10 mkfifo/00 mkfifo/01 mkfifo/02 mkfifo/03 mkfifo/05 mkfifo/06 mkfifo/09
      mknod/00 mknod/01 mknod/02 mknod/03 mknod/05 mknod/06 mknod/08 mknod/11 open/01 open/06
      open/17 open/22 open/24 rename/00 rename/09 rename/10 rename/12 rename/13
      rename/14 rename/20 rmdir/01 rmdir/06 symlink/08 unlink/00 unlink/11 utimensat/00
    `,
  },
  {
    reason: 'an object has one key: the file makes a hard link (EPERM)',
    cases: `
      link/02 link/03 link/06 link/07 link/09 rename/23
    `,
  },
]

/** The reason of each file that may fail, by `category/NN.t`. */
export const EXPECTED_FILE_MISSES: ReadonlyMap<string, string> = new Map(
  [...casesOf(MISSES)].map(([name, reason]) => [`${name}.t`, reason]),
)
