/** Certificates that nobody trusts, made for one test. The smallest X.509 that TLS takes. */
import { generateKeyPairSync, sign } from 'node:crypto'

const ECDSA_WITH_SHA256 = '300a06082a8648ce3d040302'
const COMMON_NAME = '0603550403'
const SUBJECT_ALTERNATIVE_NAME = '0603551d11'

export type Certificate = { readonly key: string; readonly cert: string }

/** @returns a certificate of its own for the address 127.0.0.1, valid from and to these times */
export function selfSigned(from: Date, to: Date): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = der(
    0x30,
    der(0x31, der(0x30, hex(COMMON_NAME), der(0x0c, Buffer.from('pail test')))),
  )
  const addresses = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])))
  const extension = der(0x30, hex(SUBJECT_ALTERNATIVE_NAME), der(0x04, addresses))
  const told = der(
    0x30,
    der(0xa0, hex('020102')),
    hex('020101'),
    hex(ECDSA_WITH_SHA256),
    name,
    der(0x30, time(from), time(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, extension)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', told, privateKey))
  const bytes = der(0x30, told, hex(ECDSA_WITH_SHA256), signature)
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), body])
}

const hex = (text: string) => Buffer.from(text, 'hex')

/** GeneralizedTime, to the second. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return der(0x18, Buffer.from(`${digits}Z`))
}
