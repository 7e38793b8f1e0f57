/**
 * The demo's bucket: small inputs and outputs as computational scientists keep them.
 *
 * Keeps: everything is made here, the same at every run (one seed); nothing is downloaded, and
 * nothing claims to be measured.
 */
import { createHash } from 'node:crypto'
import { random } from './random.mjs'

/** @typedef {Map<string, string>} Objects key to content */

const CORES = ['c1ccccc1', 'c1ccncc1', 'C1CCCCC1', 'c1ccc2ccccc2c1', 'C1CCNCC1', 'c1ccoc1']
const LINKERS = ['', 'C', 'CC', 'O', 'OC', 'N', 'C(=O)', 'C(=O)N', 'S(=O)(=O)']
const ENDS = ['O', 'N', 'F', 'Cl', 'Br', 'C#N', 'C(=O)O', 'OC', 'N(C)C', 'C(F)(F)F']
const AMINO_ACIDS = 'ACDEFGHIKLMNPQRSTVWY'

const README = `Sample bucket of Pail's demo

Everything here is synthetic, made by a seeded generator: change it, delete it, add to it.

molecules/     a library of SMILES, one molecule a line
proteins/      random sequences as FASTA
spectra/       one table a run, as numpy.savetxt writes them
trajectories/  a box of atoms, frame after frame
experiments/   a screen with inputs/ and outputs/, one folder a replica
manifest.json  every file with its size and SHA-256
`

/** @param {Objects} objects */
function addMolecules(objects) {
  const next = random(1)
  const rows = ['id,smiles,heavy_atoms,score']
  for (const core of CORES) {
    for (const linker of LINKERS) {
      for (const end of ENDS) {
        const smiles = `${end}${linker}${core}`
        const atoms = smiles.replace(/[^A-Zcno]/g, '').length
        const id = String(rows.length).padStart(4, '0')
        rows.push(`mol-${id},${smiles},${atoms},${(next() * 10).toFixed(3)}`)
      }
    }
  }
  objects.set('molecules/library.csv', `${rows.join('\n')}\n`)
  const smi = rows.slice(1).map((row) => row.split(',').slice(0, 2).reverse().join('\t'))
  objects.set('molecules/library.smi', `${smi.join('\n')}\n`)
}

/** @param {Objects} objects */
function addProteins(objects) {
  const next = random(2)
  for (let family = 1; family <= 6; family++) {
    const records = []
    for (let member = 1; member <= 20; member++) {
      const length = 120 + Math.floor(next() * 300)
      const sequence = Array.from({ length }, () => AMINO_ACIDS[Math.floor(next() * 20)]).join('')
      const lines = sequence.match(/.{1,60}/g) ?? []
      records.push(`>synthetic|F${family}M${member} random sequence\n${lines.join('\n')}\n`)
    }
    objects.set(`proteins/family-${family}.fasta`, records.join(''))
  }
}

/** Two peaks and noise. @param {number} run */
function spectrum(run) {
  const next = random(1000 + run)
  const centre = 420 + next() * 180
  const rows = ['# wavelength_nm intensity']
  for (let nm = 350; nm < 750; nm += 2) {
    const peaks = Math.exp(-(((nm - centre) / 18) ** 2)) + 0.4 * Math.exp(-(((nm - 650) / 30) ** 2))
    rows.push(`${nm.toExponential(6)} ${(peaks + next() * 0.02).toExponential(6)}`)
  }
  return `${rows.join('\n')}\n`
}

/** @param {Objects} objects */
function addSpectra(objects) {
  for (let run = 1; run <= 120; run++) {
    objects.set(`spectra/run-${String(run).padStart(3, '0')}.csv`, spectrum(run))
  }
}

/** @param {Objects} objects */
function addTrajectory(objects) {
  const next = random(3)
  const atoms = Array.from({ length: 300 }, () => [next() * 20, next() * 20, next() * 20])
  const frames = []
  for (let frame = 0; frame < 160; frame++) {
    const lines = atoms.map((xyz, index) => {
      const moved = xyz.map((value, axis) => {
        const now = value + (next() - 0.5) * 0.1
        xyz[axis] = now
        return now.toFixed(5).padStart(11)
      })
      return `${index % 3 === 0 ? 'O' : 'H'} ${moved.join(' ')}`
    })
    frames.push(`${atoms.length}\nframe ${frame}\n${lines.join('\n')}\n`)
  }
  objects.set('trajectories/water-box.xyz', frames.join(''))
}

/** @param {readonly number[]} values */
function plot(values) {
  const points = values.map((value, index) => `${40 + index * 14},${180 - value * 150}`).join(' ')
  const axes = 'M40 20V180H340'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="360" height="210" font-family="sans-serif">
<path d="${axes}" fill="none" stroke="#888"/><text x="150" y="204" font-size="12">step</text>
<polyline points="${points}" fill="none" stroke="#2563eb" stroke-width="2"/></svg>
`
}

/** A folder a replica, as a workflow engine leaves them. @param {Objects} objects */
function addExperiment(objects) {
  const base = 'experiments/solubility-screen'
  const parameters = { replicas: 24, steps: 20, temperature_K: 298.15, seed: 7 }
  objects.set(`${base}/inputs/parameters.json`, `${JSON.stringify(parameters, null, 2)}\n`)
  objects.set(`${base}/inputs/molecules.csv`, objects.get('molecules/library.csv') ?? '')
  objects.set(`${base}/inputs/flow.yaml`, FLOW)
  const summary = ['replica,final_energy,converged']
  for (let replica = 0; replica < parameters.replicas; replica++) {
    const energies = addReplica(objects, `${base}/outputs`, replica)
    summary.push(`${replica},${energies.at(-1)?.toFixed(5)},${(energies.at(-1) ?? 1) < 0.12}`)
  }
  objects.set(`${base}/outputs/summary.csv`, `${summary.join('\n')}\n`)
}

const FLOW = `components:
- name: simulate
  command: { executable: simulate.py, arguments: "-p inputs/parameters.json -r %(replica)s" }
  workflowAttributes: { replicate: 24 }
- name: summarise
  command: { executable: summarise.py, arguments: "outputs" }
  references: [ "simulate:ref" ]
`

/**
 * @param {Objects} objects
 * @param {string} outputs
 * @param {number} replica
 */
function addReplica(objects, outputs, replica) {
  const next = random(5000 + replica)
  const folder = `${outputs}/replica-${String(replica).padStart(2, '0')}`
  const energies = Array.from({ length: 20 }, (_, i) => Math.exp(-i / 6) + next() * 0.1)
  const rows = energies.map((energy, step) => `${step},${energy.toFixed(6)}`)
  objects.set(`${folder}/energies.csv`, `step,energy\n${rows.join('\n')}\n`)
  objects.set(`${folder}/energies.svg`, plot(energies))
  const result = { replica, final: energies.at(-1), lowest: Math.min(...energies) }
  objects.set(`${folder}/result.json`, `${JSON.stringify(result, null, 2)}\n`)
  const log = energies.map((energy, step) => `step ${step}: energy ${energy.toFixed(6)}`)
  objects.set(`${folder}/stdout.log`, `replica ${replica} started\n${log.join('\n')}\ndone\n`)
  return energies
}

/** @param {Objects} objects */
function addManifest(objects) {
  const files = [...objects].map(([path, text]) => ({
    path,
    bytes: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex'),
  }))
  objects.set('manifest.json', `${JSON.stringify({ files }, null, 1)}\n`)
}

/** @returns {Objects} */
export function sampleBucket() {
  /** @type {Objects} */
  const objects = new Map([['README.txt', README]])
  addMolecules(objects)
  addProteins(objects)
  addSpectra(objects)
  addTrajectory(objects)
  addExperiment(objects)
  addManifest(objects)
  return objects
}
