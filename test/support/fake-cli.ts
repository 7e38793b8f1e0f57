/** The command line over the fake engine; bundled by `buildFakeCli`. */
import { join } from 'node:path'
import { runCli } from '../../cli/program.ts'
import { realWorld } from '../../cli/real-world.ts'

const world = realWorld({
  integrationsPath: join(__dirname, 'integrations'),
  enginePath: join(__dirname, 'engine.cjs'),
  loadEngine: () => import('./fake-engine.ts'),
})

void runCli(process.argv.slice(2), world).then((code) => process.exit(code))
