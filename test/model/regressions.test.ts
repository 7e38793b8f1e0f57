/** Histories that once went wrong, kept as they were found (shrunk). */
import { describe, test } from 'vitest'
import { runHistory, type Step } from './history.ts'

/** With the seed where it matters how long answers take. */
const HISTORIES: ReadonlyArray<readonly [string, readonly Step[], number?]> = [
  [
    'a file that was renamed while the answer to its upload was on its way stayed under its old name',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'a/b/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'other-put', path: 'c/a/x', size: 20 },
      { op: 'slow' },
      { op: 'rename', path: 'a/b/x', to: 'a/a/x' },
      { op: 'kill' },
      { op: 'slow' },
      { op: 'append', path: 'b/x', size: 10 },
      { op: 'rename', path: 'b/x', to: 'a/a/x' },
    ],
    307792,
  ],
  [
    'a file that gave way in the bucket was forgotten by the move of its folder',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'write', path: 'a/x', offset: 0, size: 4096, truncate: false },
      { op: 'rename', path: 'a', to: 'b/a' },
      { op: 'rename', path: 'b', to: 'a' },
    ],
    327842,
  ],
  [
    'a file that came back to its old key with its folder was deleted there, as what it was before',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'a/b/x', size: 20 },
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'other-put', path: 'b/y', size: 20 },
      { op: 'other-put', path: 'c/a/x', size: 20 },
      { op: 'slow' },
      { op: 'rename', path: 'a/b/x', to: 'b/x' },
      { op: 'rename', path: 'b', to: 'a/b' },
    ],
    882251,
  ],
  [
    'a folder that was renamed back while its move was planned was taken for a conflict with itself',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'a/b/x', size: 20 },
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'other-put', path: 'c/a/x', size: 20 },
      { op: 'slow' },
      { op: 'rename', path: 'a/a', to: 'b/b' },
      { op: 'write', path: 'c/a/y', offset: 0, size: 4096, truncate: false },
      { op: 'wait', ms: 600 },
      { op: 'chmod', path: 'a/b/x', mode: 493 },
      { op: 'rename', path: 'b/b', to: 'a/a' },
    ],
    24813,
  ],
  [
    'the mode of a folder that was renamed went along with the folder that was there before',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'other-put', path: 'c/a/x', size: 20 },
      { op: 'chmod', path: 'a/a', mode: 0o600 },
      { op: 'wait', ms: 600 },
      { op: 'rename', path: 'c/a', to: 'b/b' },
      { op: 'rename', path: 'a/a', to: 'c/a' },
    ],
  ],
  [
    'a new folder went along with the folder that was there before, and vanished',
    [
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'other-put', path: 'b/s/y', size: 20 },
      { op: 'mkdir', path: 'a/s' },
      { op: 'wait', ms: 600 },
      { op: 'rename', path: 'b', to: 'c' },
      { op: 'rename', path: 'a', to: 'b' },
    ],
  ],
  [
    'the mode of a folder went with another that took its name, and was removed',
    [
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'chmod', path: 'a', mode: 0o600 },
      { op: 'mkdir', path: 'c' },
      { op: 'flush' },
      { op: 'rename', path: 'a', to: 'b' },
      { op: 'rename', path: 'c', to: 'a' },
      { op: 'rmdir', path: 'a' },
    ],
  ],
  [
    'a folder that took the place of an empty one got the mode of that',
    [
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'mkdir', path: 'b' },
      { op: 'chmod', path: 'b', mode: 0o600 },
      { op: 'flush' },
      { op: 'rename', path: 'a', to: 'b' },
    ],
  ],
  [
    'a file that was stored while its folder waited to be renamed stayed behind when that was renamed again',
    [
      { op: 'other-put', path: 'a/b', size: 1 },
      { op: 'write', path: 'a/c', offset: 0, size: 1_100_000, truncate: true },
      { op: 'rename', path: 'a', to: 'b' },
      { op: 'wait', ms: 900 },
      { op: 'rename', path: 'b', to: 'c' },
    ],
  ],
  [
    'and so did a folder that was made in it',
    [
      { op: 'other-put', path: 'a/b', size: 1 },
      { op: 'mkdir', path: 'a/c' },
      { op: 'write', path: 'a/c/a', offset: 0, size: 100, truncate: true },
      { op: 'rename', path: 'a', to: 'b' },
      { op: 'wait', ms: 900 },
      { op: 'rename', path: 'b', to: 'a' },
    ],
  ],
  [
    'the mode of a folder was undone when the folder was renamed',
    [
      { op: 'other-put', path: 'c/a', size: 1 },
      { op: 'chmod', path: 'c', mode: 0o600 },
      { op: 'flush' },
      { op: 'chmod', path: 'c', mode: 0o755 },
      { op: 'rename', path: 'c', to: 'b' },
    ],
  ],
  [
    'a write of nothing changed the time of a file',
    [
      { op: 'append', path: 'c', size: 0 },
      { op: 'utimens', path: 'c', mtimeMs: 1_600_000_000_123 },
      { op: 'append', path: 'c', size: 0 },
    ],
  ],
  [
    'the first look after a time without network showed the folder as it was before',
    [
      { op: 'offline', ms: 20_000 },
      { op: 'truncate', path: 'a', size: 0 },
      { op: 'offline', ms: 20_000 },
      { op: 'calm' },
      { op: 'other-put', path: 'a', size: 0 },
    ],
  ],
  [
    'the move of a directory overtook an upload inside of it',
    [
      { op: 'other-put', path: 'a/c/a', size: 0 },
      { op: 'write', path: 'a/c/a', offset: 0, size: 65_537, truncate: false },
      { op: 'rename', path: 'a', to: 'b' },
      { op: 'flush' },
    ],
  ],
  [
    'a new file under the old name of a file whose rename waits was taken for a conflict',
    [
      { op: 'other-put', path: 'c', size: 0 },
      { op: 'rename', path: 'c', to: 'a' },
      { op: 'append', path: 'c', size: 65_537 },
      { op: 'write', path: 'a', offset: 0, size: 0, truncate: false },
    ],
  ],
  [
    'and so it was when the engine was killed in between',
    [
      { op: 'other-put', path: 'a/c', size: 0 },
      { op: 'rename', path: 'a/c', to: 'b' },
      { op: 'append', path: 'a/c', size: 4096 },
      { op: 'kill' },
    ],
  ],
  [
    'a truncation to the same size left an upload without bytes',
    [
      { op: 'append', path: 'b', size: 65_537 },
      { op: 'wait', ms: 12_000 },
      { op: 'truncate', path: 'b', size: 65_537 },
    ],
  ],
  [
    'a directory that left a renamed directory was moved along with it',
    [
      { op: 'other-put', path: 'a/c/a', size: 0 },
      { op: 'rename', path: 'a', to: 'c' },
      { op: 'rename', path: 'c/c', to: 'a' },
    ],
  ],
  [
    'a changed file met the copy that the move of its folder had made of it as a conflict',
    [
      { op: 'mkdir', path: 'd' },
      { op: 'write', path: 'd/a', offset: 0, size: 20, truncate: true },
      { op: 'flush' },
      { op: 'append', path: 'a', size: 10 },
      { op: 'lose' },
      { op: 'kill' },
      { op: 'calm' },
      { op: 'lose' },
      { op: 'write', path: 'd/b', offset: 0, size: 100, truncate: false },
      { op: 'wait', ms: 90_000 },
      { op: 'calm' },
      { op: 'lose' },
      { op: 'truncate', path: 'd/a', size: 50 },
      { op: 'rename', path: 'd', to: 'e' },
      { op: 'wait', ms: 95_000 },
    ],
    337_200,
  ],
  [
    'a folder that was renamed back left the copy of its own object under the other name',
    [
      { op: 'mkdir', path: 'd' },
      { op: 'flush' },
      { op: 'rename', path: 'd', to: 'e' },
      { op: 'lose' },
      { op: 'wait', ms: 5000 },
      { op: 'append', path: 'b', size: 10 },
      { op: 'wait', ms: 5000 },
      { op: 'rename', path: 'e', to: 'd' },
    ],
    2,
  ],
  [
    'two files that exchange their names',
    [
      { op: 'append', path: 'a', size: 100 },
      { op: 'append', path: 'b', size: 4096 },
      { op: 'flush' },
      { op: 'rename', path: 'a', to: 'c' },
      { op: 'rename', path: 'b', to: 'a' },
      { op: 'rename', path: 'c', to: 'b' },
    ],
  ],
  [
    'two edited files that exchange their names',
    [
      { op: 'append', path: 'a', size: 65_537 },
      { op: 'append', path: 'b', size: 4096 },
      { op: 'flush' },
      { op: 'rename', path: 'a', to: 'c' },
      { op: 'rename', path: 'b', to: 'a' },
      { op: 'rename', path: 'c', to: 'b' },
      { op: 'append', path: 'a', size: 1 },
      { op: 'append', path: 'b', size: 1 },
    ],
  ],
  [
    'two directories that exchange their names',
    [
      { op: 'mkdir', path: 'a' },
      { op: 'mkdir', path: 'b' },
      { op: 'append', path: 'a/a', size: 100 },
      { op: 'append', path: 'b/a', size: 4096 },
      { op: 'append', path: 'b/b', size: 1 },
      { op: 'flush' },
      { op: 'rename', path: 'a', to: 'c' },
      { op: 'rename', path: 'b', to: 'a' },
      { op: 'rename', path: 'c', to: 'b' },
    ],
  ],
  [
    'an empty folder stayed behind when it was renamed back before the answer to its copy came',
    [
      { op: 'mkdir', path: 'd' },
      { op: 'flush' },
      { op: 'rename', path: 'd', to: 'e' },
      { op: 'lose' },
      { op: 'wait', ms: 90_000 },
      { op: 'rename', path: 'e', to: 'd' },
    ],
    8,
  ],
  [
    'a mode set after an upload of whose answer nobody heard did not reach the bucket',
    [
      { op: 'mkdir', path: 'd' },
      { op: 'write', path: 'd/a', offset: 0, size: 20, truncate: true },
      { op: 'append', path: 'b', size: 10 },
      { op: 'wait', ms: 5000 },
      { op: 'append', path: 'd/b', size: 10 },
      { op: 'lose' },
      { op: 'wait', ms: 5000 },
      { op: 'chmod', path: 'd/b', mode: 384 },
    ],
    669_676,
  ],
]

const OPAQUE_ETAGS: ReadonlyArray<readonly [string, readonly Step[], number]> = [
  [
    'a directory that was renamed and removed, and whose own object was stored twice',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'unlink', path: 'a/a/x' },
      { op: 'rename', path: 'a/a', to: 'b/a' },
      { op: 'wait', ms: 2500 },
      { op: 'rmdir', path: 'b/a' },
    ],
    150_190,
  ],
  [
    'a file that was removed while its mode was on its way to the bucket came back',
    [
      { op: 'other-put', path: 'a/a/x', size: 20 },
      { op: 'other-put', path: 'a/b/x', size: 20 },
      { op: 'other-put', path: 'a/x', size: 20 },
      { op: 'other-put', path: 'b/x', size: 20 },
      { op: 'other-put', path: 'b/y', size: 20 },
      { op: 'other-put', path: 'b/s/x', size: 20 },
      { op: 'other-put', path: 'c/a/x', size: 20 },
      { op: 'write', path: 'c/x', offset: 0, size: 100, truncate: true },
      { op: 'kill' },
      { op: 'slow' },
      { op: 'rename', path: 'a/a', to: 'b/a' },
      { op: 'chmod', path: 'c/x', mode: 448 },
      { op: 'wait', ms: 2500 },
      { op: 'unlink', path: 'c/x' },
    ],
    3,
  ],
]

describe('Regression where ETags say nothing', () => {
  test.for(OPAQUE_ETAGS)('%s', async ([, steps, seed]) => {
    await runHistory({ seed, steps, hasOpaqueEtags: true })
  })
})

describe('Regression', () => {
  test.for(HISTORIES)('%s', async ([, steps, seed = 1]) => {
    await runHistory({ seed, steps })
  })
})
