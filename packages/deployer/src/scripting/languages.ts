import { DeployerError } from '../errors.ts'

/** The languages of scripts, by the names that the server uses. */
export type ScriptSyntax = 'Bash' | 'Python' | 'CSharp' | 'PowerShell'

const extensions: Readonly<Record<ScriptSyntax, string>> = {
  Bash: 'sh',
  Python: 'py',
  CSharp: 'csx',
  PowerShell: 'ps1',
}

/** All languages, the one that the platform prefers first: it wins when a package has a script in several. */
export function syntaxesByPreference(platform: NodeJS.Platform = process.platform): readonly ScriptSyntax[] {
  return platform === 'win32'
    ? ['PowerShell', 'Python', 'CSharp', 'Bash']
    : ['Bash', 'Python', 'CSharp', 'PowerShell']
}

/** The extension of the files of a language, without its dot. */
export function extensionOf(syntax: ScriptSyntax): string {
  return extensions[syntax]
}

/** The language of a file by its extension, in any case; `undefined` for other files. */
export function syntaxOfFile(file: string): ScriptSyntax | undefined {
  const extension = /\.([^./\\]+)$/.exec(file)?.[1]?.toLowerCase()
  return syntaxesByPreference().find(syntax => extensions[syntax] === extension)
}

/** Reads the name of a language in any case. Throws ERR_LANGUAGE for a name that is none. */
export function parseSyntax(text: string): ScriptSyntax {
  const found = syntaxesByPreference().find(syntax => syntax.toLowerCase() === text.trim().toLowerCase())
  if (found !== undefined) return found
  throw new DeployerError(
    'ERR_LANGUAGE',
    `Scripts in '${text}' cannot be run. There are: ${syntaxesByPreference().join(', ')}.`,
  )
}
