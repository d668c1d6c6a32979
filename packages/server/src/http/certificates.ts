import { X509Certificate } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { certificateName } from '../config/server-certificate.ts'
import { ServerError } from '../errors.ts'
import type { App } from '../web/app-types.ts'
import { pageOf, slicePage, toPage } from '../web/paging.ts'
import { ById, Links, PageOf, pageQuery } from '../web/schema.ts'
import type { HttpParts } from './parts.ts'

const CertificateResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  Thumbprint: Type.String(),
  SignatureAlgorithm: Type.String(),
  Links,
})

const globalId = 'certificate-global'

/** `configuration/certificates`: the certificate by which Tentacles know this server. Any signed-in user may read it. */
export function certificateRoutes(app: App, { certificate }: HttpParts): void {
  const base = '/api/configuration/certificates'
  const config = { permission: 'signed-in' } as const
  const self = `${base}/${globalId}`
  const resource: Static<typeof CertificateResource> = {
    Id: globalId,
    Name: certificateName,
    Thumbprint: certificate.thumbprint,
    SignatureAlgorithm: 'sha256RSA',
    Links: { Self: self, PublicCer: `${self}/public-cer` },
  }
  function check(id: string): void {
    if (id.toLowerCase() === globalId) return
    throw new ServerError('ERR_NOT_FOUND', `There is no certificate '${id}'; there is '${globalId}'.`)
  }

  app.get(
    base,
    {
      config,
      schema: { querystring: Type.Object(pageQuery), response: { 200: PageOf(CertificateResource) } },
    },
    async request => {
      const page = pageOf(request.query)
      return toPage(request, 'CertificateConfiguration', slicePage([resource], page), page, item => item)
    },
  )
  app.get(
    `${base}/:id`,
    { config, schema: { params: ById, response: { 200: CertificateResource } } },
    async ({ params }) => {
      check(params.id)
      return resource
    },
  )
  app.get(`${base}/:id/public-cer`, { config, schema: { params: ById } }, async ({ params }, reply) => {
    check(params.id)
    void reply.header('Content-Disposition', 'attachment; filename="octopus-server.cer"')
    return reply.type('application/pkix-cert').send(new X509Certificate(certificate.certificatePem).raw)
  })
}
