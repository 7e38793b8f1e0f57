/**
 * Tests of s3fs's own suite that fail on a mount by Pail, each with its reason.
 *
 * Keeps: a test that passes after all, and one that fails and is not named, makes the run fail.
 */
import { casesOf, type Misses } from './expected.ts'

const MISSES: readonly Misses[] = [
  {
    reason: 'a bucket holds no pipes, sockets and devices: they are refused (EPERM)',
    cases: 'test_mknod test_pjdfstest_mkfifo test_pjdfstest_open',
  },
  {
    reason: 'an object has one key: a hard link is refused (EPERM, the suite wants ENOTSUP)',
    cases: 'test_hardlink test_pjdfstest_link',
  },
  {
    reason: 'a name has at most 255 bytes, as everywhere (ENAMETOOLONG)',
    cases: 'test_file_names_longer_than_posix',
  },
  {
    reason: 'access control lists are refused (EOPNOTSUPP): rights are mode and owner alone',
    cases: 'test_posix_acl',
  },
  {
    reason: 'a directory without an object of its own has the mode 755, where s3fs has 750',
    cases: 'test_external_directory_creation',
  },
  {
    reason:
      'with a new mode the time is stored, which the copy of the object would change otherwise',
    cases: 'test_chmod_listed_directory_keeps_metadata',
  },
]

const MISSES_OF_FILES: readonly Misses[] = [
  {
    reason: 'one of the files makes a path of 4,095 bytes, and a server of files takes no such key',
    cases: `
      test_pjdfstest_mkdir test_pjdfstest_rename test_pjdfstest_rmdir test_pjdfstest_symlink
    `,
  },
]

/** The reason of each test that may fail on a server that keeps keys as they are. */
export const EXPECTED_S3FS_MISSES = casesOf(MISSES)
/** The same on one that keeps objects as files. */
export const EXPECTED_S3FS_MISSES_OF_FILES = casesOf([...MISSES, ...MISSES_OF_FILES])
