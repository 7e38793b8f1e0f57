import { describe, expect, test } from 'vitest'
import { chooseConnections, knownConnections } from '../../../cli/commands/budget.ts'

const stored = (name: string, endpointUrl: string, accessKeyId: string) => ({
  ...{ id: '4f1d0bb0-0000-4000-8000-000000000000', name, region: 'eu-de' },
  ...{ endpointUrl, accessKeyId },
})
const HOME = 'https://s3.home.example'
const LAB = 'https://s3.lab.example:9000'
const KNOWN = knownConnections(
  [
    { endpointUrl: HOME, accessKeyId: 'KEY1' },
    { endpointUrl: LAB, accessKeyId: 'KEY1' },
  ],
  [stored('Home', HOME, 'KEY1'), stored('Old', HOME, 'KEY2')],
)
const names = (typed?: string) =>
  chooseConnections(KNOWN, typed).map((one) => one.name ?? one.endpointUrl)

describe('The connections of the command line', () => {
  test('are those that are mounted and those that are stored, each once', () => {
    expect(names()).toEqual(['Home', LAB, 'Old'])
  })

  test('are meant by name, address, host or access key', () => {
    expect(names('Home')).toEqual(['Home'])
    expect(names(HOME)).toEqual(['Home', 'Old'])
    expect(names(`${LAB}/`)).toEqual([LAB])
    expect(names('s3.lab.example:9000')).toEqual([LAB])
    expect(names('KEY2')).toEqual(['Old'])
  })

  test('are named when none is called so', () => {
    expect(() => names('else')).toThrow(
      /called else.*Home \(KEY1\); https:\/\/s3\.lab\.example:9000 \(KEY1\); Old \(KEY2\)/,
    )
    expect(() => chooseConnections([], 'else')).toThrow('Nothing is mounted')
  })
})
