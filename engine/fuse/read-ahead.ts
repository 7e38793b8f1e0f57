/**
 * How far the kernel reads ahead on one mount.
 *
 * INIT can only lower it: the kernel starts every FUSE mount with 128 KiB, which cuts a sequential
 * read into requests of that size. Root may raise it in sysfs; for others it stays.
 */
import { writeFile } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import { mountedOn } from './mount-table.ts'
import { KERNEL_READ_AHEAD_BYTES } from './wire/init.ts'

/** A failure costs speed alone, so it is logged and the mount goes on. */
export async function raiseReadAhead(dir: string, log: Log): Promise<void> {
  try {
    const mounted = await mountedOn(dir)
    if (!mounted) return
    const path = `/sys/class/bdi/${mounted.device}/read_ahead_kb`
    await writeFile(path, String(KERNEL_READ_AHEAD_BYTES / 1024))
  } catch (thrown) {
    log.write('info', 'fuse/read-ahead-unchanged', { dir, error: String(thrown) })
  }
}
