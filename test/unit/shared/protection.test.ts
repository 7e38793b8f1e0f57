import { describe, expect, test } from 'vitest'
import { isUnprotected } from '../../../shared/protection.ts'

describe('An endpoint', () => {
  test.each([
    'http://minio.example.org:9000',
    'HTTP://Minio.Example.org',
    'http://10.0.0.7',
    'http://localhost.example.org',
    'http://127.example.org',
    'http://user@storage/',
    'http://[fe80::1]:9000',
  ])('%s is unprotected', (url) => {
    expect(isUnprotected(url)).toBe(true)
  })

  test.each([
    'https://s3.example.org',
    'https://10.0.0.7',
    'http://localhost:9000',
    'http://s3.localhost',
    'http://127.0.0.1:7480',
    'http://127.8.9.1',
    'http://[::1]:9000',
    '',
    's3.example.org',
  ])('%s has no mark: encrypted, on this computer, or no address', (url) => {
    expect(isUnprotected(url)).toBe(false)
  })
})
