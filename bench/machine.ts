/** What the numbers were measured on: no host name, no path. */
import { cpus, release, totalmem } from 'node:os'
import { findProgram, ROOT } from '../build/common.mjs'
import { findVersitygw } from '../test/support/versitygw.ts'
import { printed } from './processes.ts'

export type Machine = {
  readonly cores: number
  readonly processor: string
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
}

const firstVersion = (text: string): string => /v?\d+\.\d+[\w.+-]*/i.exec(text)?.[0] ?? 'unknown'

export async function describeMachine(): Promise<Machine> {
  const processors = cpus()
  const commit = await printed('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'])
  return {
    cores: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release().replace(/-.*/, ''),
    node: process.version,
    versions: {
      pail: commit.trim() === '' ? 'unknown' : `commit ${commit.trim()}`,
      s3fs: firstVersion(await printed('s3fs', ['--version'])),
      rclone: firstVersion(await printed('rclone', ['version'])),
      versitygw: await versitygwVersion(),
    },
  }
}

/** Built from source it names no version of its own: Go wrote it into the program. */
async function versitygwVersion(): Promise<string> {
  const build = await printed(findProgram('go') ?? 'go', ['version', '-m', findVersitygw()])
  return firstVersion(/versity\/versitygw\s+(v\S+)/.exec(build)?.[1] ?? '')
}
