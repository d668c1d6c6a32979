const assembly = 'Octopus.Tentacle.Contracts'

/** How a class of the contracts is named on the wire: what is written, and what is read besides. */
export interface DotnetNames {
  readonly dotnet: string
  readonly alsoReads?: readonly string[]
}

/**
 * A class that was once in the assembly `Octopus.Shared`. It is still written under that name, because servers and
 * agents of every age know it, and read under both (docs/wire/tentacle-services.md, "Type names").
 */
export function legacyName(name: string): DotnetNames {
  return { dotnet: `Octopus.Shared.Contracts.${name}, Octopus.Shared`, alsoReads: [currentName(name).dotnet] }
}

/** A class of the assembly `Octopus.Tentacle.Contracts`; `name` may begin with a part of its namespace. */
export function currentName(name: string): DotnetNames {
  return { dotnet: `Octopus.Tentacle.Contracts.${name}, ${assembly}` }
}

/** A class of a service that is ours alone. No program in .NET has it: the name only has to be nobody else's. */
export function ownName(name: string): DotnetNames {
  return { dotnet: `Tentacle.Contracts.${name}, Tentacle.Contracts` }
}
