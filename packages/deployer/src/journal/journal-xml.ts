import { DOMParser, type Document, type Element, XMLSerializer } from '@xmldom/xmldom'

/** One installation that the journal remembers. */
export interface JournalEntry {
  readonly id: string
  readonly environmentId: string
  readonly tenantId: string
  readonly projectId: string
  readonly installedOn: Date
  readonly retentionPolicySet: string
  readonly extractedTo: string
  readonly customFolder: string
  readonly wasSuccessful: boolean
  readonly packages: readonly JournalPackage[]
}

export interface JournalPackage {
  readonly id: string
  readonly version: string
  readonly deployedFrom: string
}

const emptyJournal = '<?xml version="1.0" encoding="utf-8"?>\n<Deployments>\n</Deployments>'

/** Reads a journal. Throws when the text is no XML or its root is another one. */
export function readJournal(text: string): JournalEntry[] {
  return deploymentsOf(parse(text)).map(element => ({
    id: attribute(element, 'Id'),
    environmentId: attribute(element, 'EnvironmentId'),
    tenantId: attribute(element, 'TenantId'),
    projectId: attribute(element, 'ProjectId'),
    installedOn: parseTime(attribute(element, 'InstalledOn')),
    retentionPolicySet: attribute(element, 'RetentionPolicySet'),
    extractedTo: attribute(element, 'ExtractedTo'),
    customFolder: attribute(element, 'CustomInstallationDirectory'),
    wasSuccessful: attribute(element, 'WasSuccessful').toLowerCase() !== 'false',
    packages: packagesOf(element),
  }))
}

/** The journal with one more entry at its end; what else it holds stays as it is. `undefined` stands for no journal. */
export function addToJournal(text: string | undefined, entry: JournalEntry): string {
  const document = parse(text ?? emptyJournal)
  const root = document.documentElement
  if (root === null) throw new Error('the journal has no root element')
  const deployment = document.createElement('Deployment')
  const attributes: Readonly<Record<string, string>> = {
    Id: entry.id,
    EnvironmentId: entry.environmentId,
    TenantId: entry.tenantId,
    ProjectId: entry.projectId,
    InstalledOn: formatTime(entry.installedOn),
    RetentionPolicySet: entry.retentionPolicySet,
    ExtractedTo: entry.extractedTo,
    CustomInstallationDirectory: entry.customFolder,
    WasSuccessful: entry.wasSuccessful ? 'True' : 'False',
  }
  for (const [name, value] of Object.entries(attributes)) deployment.setAttribute(name, value)
  for (const { id, version, deployedFrom } of entry.packages) {
    const element = document.createElement('Package')
    element.setAttribute('PackageId', id)
    element.setAttribute('PackageVersion', version)
    element.setAttribute('DeployedFrom', deployedFrom)
    deployment.appendChild(document.createTextNode('\n    '))
    deployment.appendChild(element)
  }
  deployment.appendChild(document.createTextNode('\n  '))
  root.appendChild(document.createTextNode('  '))
  root.appendChild(deployment)
  root.appendChild(document.createTextNode('\n'))
  return `${new XMLSerializer().serializeToString(document)}\n`
}

/** XML 1.0 has no way to write most control characters; names with them are not worth losing a journal for. */
export function xmlText(text: string): string {
  return text.toWellFormed().replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}

function parse(text: string): Document {
  const stop = (_level: string, message: string) => {
    throw new Error(message)
  }
  const document = new DOMParser({ onError: stop }).parseFromString(text.replace(/^\ufeff/, ''), 'text/xml')
  if (document.documentElement?.localName !== 'Deployments')
    throw new Error('its root element is not <Deployments>')
  return document
}

function deploymentsOf(document: Document): Element[] {
  return [...document.getElementsByTagName('Deployment')]
}

/** Entries of old versions have their one package in attributes of their own. */
function packagesOf(element: Element): JournalPackage[] {
  const packages = [...element.getElementsByTagName('Package')].map(item => ({
    id: attribute(item, 'PackageId'),
    version: attribute(item, 'PackageVersion'),
    deployedFrom: attribute(item, 'DeployedFrom'),
  }))
  if (packages.length > 0 || attribute(element, 'PackageId') === '') return packages
  const deployedFrom = attribute(element, 'ExtractedFrom')
  return [
    { id: attribute(element, 'PackageId'), version: attribute(element, 'PackageVersion'), deployedFrom },
  ]
}

function attribute(element: Element, name: string): string {
  return element.getAttribute(name) ?? ''
}

function formatTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ')
}

function parseTime(text: string): Date {
  const time = new Date(`${text.trim().replace(' ', 'T')}Z`)
  return Number.isNaN(time.getTime()) ? new Date(0) : time
}
