import { defineService, method, types, type ValueOf } from '@tentacle/halibut'
import { legacyName } from './dotnet-names.ts'

/** Where an uploaded file is, and what arrived. Without a stream nothing is written, and `hash` is null. */
export interface UploadResult extends ValueOf<typeof UploadResult> {}
export const UploadResult = types.record({
  ...legacyName('UploadResult'),
  fields: {
    /** The absolute path on the agent. */
    fullPath: types.text,
    /** SHA-1 of the content, in lower-case hex digits. */
    hash: types.nullable(types.text),
    /** In bytes. */
    length: types.count,
  },
})

/** Files to and from the agent's machine. A relative path starts at the agent's home. */
export const FileTransferService = defineService('IFileTransferService', {
  uploadFile: method([types.text, types.nullable(types.dataStream)], UploadResult),
  /** Null when there is no such file. */
  downloadFile: method([types.text], types.nullable(types.dataStream)),
})
