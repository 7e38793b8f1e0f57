/** Entry of the command line: dist/cli.cjs, started by bin/pail. */
import { join } from 'node:path'
import { runCli } from './program.ts'
import { realWorld } from './real-world.ts'

const world = realWorld({
  enginePath: join(__dirname, 'engine.cjs'),
  integrationsPath: join(__dirname, '..', 'integrations'),
  loadEngine: () => import('../engine/mounts/engine.ts'),
})

void runCli(process.argv.slice(2), world).then((code) => process.exit(code))
