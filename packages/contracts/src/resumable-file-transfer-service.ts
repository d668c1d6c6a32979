import { defineService, method, types, type ValueOf } from '@tentacle/halibut'
import { ownName } from './dotnet-names.ts'
import { UploadResult } from './file-transfer-service.ts'

/**
 * A file that is sent in parts. The first three members say what it is: whoever names the same ones goes on with the same
 * upload, also after a restart of either side.
 */
export interface ResumableUpload extends ValueOf<typeof ResumableUpload> {}
export const ResumableUpload = types.record({
  ...ownName('ResumableUpload'),
  fields: {
    /** Where it goes. A relative path starts at the agent's home. */
    remotePath: types.text,
    /** Of the whole file, in bytes. */
    length: types.count,
    /** SHA-1 of the whole file, in hex digits: what servers know of their packages. */
    hash: types.text,
    /**
     * Who sends, in the sender's own words. A call ends what an earlier call of the same sender still does, so that nobody
     * waits for a connection that is dead; other senders have to wait.
     */
    sender: types.text,
  },
})

/**
 * How an upload stands. `Open`: it goes on at `heldBytes`. `Busy`: another call works on it, ask again a moment later.
 * `Complete`: the file is in its place. `Damaged`: all bytes were there and were not those of the file; they were
 * thrown away, and it begins again at 0.
 */
export type UploadStatus = 'Open' | 'Busy' | 'Complete' | 'Damaged'
export const UploadStatus = types.enumeration(
  { Open: 0, Busy: 1, Complete: 2, Damaged: 3 },
  ownName('UploadStatus').dotnet,
)

export interface UploadState extends ValueOf<typeof UploadState> {}
export const UploadState = types.record({
  ...ownName('UploadState'),
  fields: {
    status: UploadStatus,
    /** How many bytes the agent has, from the first one on. */
    heldBytes: types.count,
    /** Once it is `Complete`: the same as the answer of `IFileTransferService`. */
    result: types.nullable(UploadResult),
  },
})

/** Which part of a file is wanted. */
export interface DownloadRequest extends ValueOf<typeof DownloadRequest> {}
export const DownloadRequest = types.record({
  ...ownName('DownloadRequest'),
  fields: {
    /** A relative path starts at the agent's home. */
    remotePath: types.text,
    /** What the agent said of the file before; empty in the first question. */
    version: types.text,
    /** Where the part begins. */
    offset: types.count,
    /** How long it may be. With 0 only version and length are answered. */
    maximumBytes: types.count,
  },
})

/** A part of a file, or news of another file in its place. */
export interface DownloadPart extends ValueOf<typeof DownloadPart> {}
export const DownloadPart = types.record({
  ...ownName('DownloadPart'),
  fields: {
    /** Changes with the file. To go on with a download, give it back. */
    version: types.text,
    /** Of the whole file, in bytes. */
    length: types.count,
    /** Null when the file is no longer the version that was asked for: begin again. */
    content: types.nullable(types.dataStream),
  },
})

/**
 * Files to and from an agent of ours that go on where they were cut off. Its name is also that of the capability; an
 * agent without it has only `IFileTransferService`. Every call may be repeated.
 */
export const ResumableFileTransferService = defineService('IResumableFileTransferService', {
  /** Begins an upload or goes on with it: says what is held, and finishes it when that is everything. */
  startUpload: method([ResumableUpload], UploadState),
  /**
   * Appends bytes at this position, which must be the one that the agent named last: otherwise nothing is written, and
   * the answer names the position. What arrives before the connection breaks is kept.
   */
  uploadPart: method([ResumableUpload, types.count, types.dataStream], UploadState),
  /** A part of a file; null when there is no such file. */
  downloadPart: method([DownloadRequest], types.nullable(DownloadPart)),
})
