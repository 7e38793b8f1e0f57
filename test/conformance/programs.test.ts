/** Programs at their full size: 2,000 files, hundreds of transactions, HDF5, Parquet and pip. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonPath } from '../../build/python-tools.mjs'
import { temporaryFolder } from '../support/folder.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { expectInBucket, TREE_PROGRAMS, type TreeProgram } from '../support/tree-programs.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'programs'
const SIZES = { files: 2_000, transactions: 500 }

const python = async (dir: string, script: string): Promise<string> =>
  (await run(pythonPath(), ['-c', script], { cwd: dir })).stdout.trim()

const PYTHON: ReadonlyArray<readonly [string, TreeProgram]> = [
  [
    'h5py makes a file, changes it in place and reads it back',
    async (dir) => {
      const script = `
import h5py, numpy
with h5py.File('data.h5', 'w') as f:
    f.create_dataset('x', data=numpy.arange(1_000_000), chunks=(10_000,), compression='gzip')
with h5py.File('data.h5', 'r+') as f:
    f['x'][5_000:6_000] = 7
    f.create_dataset('y', data=[1.5, 2.5])
with h5py.File('data.h5', 'r') as f:
    print(int(f['x'][:].sum()), f['y'][1])`
      const sum = (1_000_000 * 999_999) / 2 - (1_000 * (5_000 + 5_999)) / 2 + 7_000
      expect(await python(dir, script)).toBe(`${sum} 2.5`)
    },
  ],
  [
    'pyarrow writes a Parquet data set in parts, and reads some of it through a map',
    async (dir) => {
      const script = `
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.dataset as ds
table = pa.table({'k': [i % 5 for i in range(200_000)], 'v': list(range(200_000))})
ds.write_dataset(table, 'set', format='parquet', partitioning=['k'], partitioning_flavor='hive')
pq.write_table(table, 'one.parquet')
print(pq.read_table('one.parquet', memory_map=True, columns=['v']).num_rows)
print(ds.dataset('set', partitioning='hive').to_table(filter=ds.field('k') == 3).num_rows)`
      expect(await python(dir, script)).toBe('200000\n40000')
    },
  ],
  [
    'pip installs a package',
    async (dir) => {
      const wheel = join(temporaryFolder(), 'local_py-1.0-py3-none-any.whl')
      const script = `
import zipfile
info = 'local_py-1.0.dist-info/'
with zipfile.ZipFile(${JSON.stringify(wheel)}, 'w') as z:
    z.writestr('local_py/__init__.py', 'answer = 42')
    z.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: local-py\\nVersion: 1.0\\n')
    z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr(info + 'RECORD', '')`
      await python(dir, script)
      const install = ['-m', 'pip', 'install', '--quiet', '--no-index', '--target', dir, wheel]
      await run(pythonPath(), install)
      expect(await python(dir, 'import local_py; print(local_py.answer)')).toBe('42')
    },
  ],
]

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

describe('Programs at their full size', () => {
  test.each([...TREE_PROGRAMS, ...PYTHON])('%s', async (name, script) => {
    const folder = name.replaceAll(/\W+/g, '-')
    await fs.mkdir(mount.path(folder))
    await script(mount.path(folder), SIZES)
    await expectInBucket({ mount, s3, bucket: BUCKET }, folder)
  })
})
