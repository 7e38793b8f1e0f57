/**
 * Starts the app folder named by PAIL_APP_DIR, as Electron's default app does with its argument.
 * Runs in: Electron's main process, copied to resources/app of a runtime without a default app.
 */
const { app } = require('electron')
const { readFileSync } = require('node:fs')
const { join, resolve } = require('node:path')

const folder = process.env.PAIL_APP_DIR
if (!folder) {
  process.stderr.write('PAIL_APP_DIR must name the folder of the app.\n')
  process.exit(1)
}
const appDir = resolve(folder)
const manifest = JSON.parse(readFileSync(join(appDir, 'package.json'), 'utf8'))
app.setName(manifest.productName ?? manifest.name)
app.setVersion(manifest.version)
app.setAppPath(appDir)
require(join(appDir, manifest.main))
