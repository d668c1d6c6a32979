/**
 * Records our own two sides anew: `node packages/testkit/src/recordings/record-ours.ts [FOLDER]`. Without a folder the
 * recordings that the tests replay are overwritten; keep those of released versions under a name of their own.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recordOursListening, recordOursPolling } from './our-conversations.ts'
import { recordingsFolder } from './recording.ts'
import { recordingText } from './recording-text.ts'

const [folder = fileURLToPath(recordingsFolder)] = process.argv.slice(2)

const fields =
  'TLS removed. kind=control: text is the exact bytes; kind=message: bytes is the raw deflate frame, document is its BSON as canonical extended JSON, left out when long; kind=stream: a data stream that followed (bytes = header+content+trailer, left out where the content is the long pattern).'

const recordings = [
  {
    name: 'ours-listening',
    about: `A client of ours (connector) calling a listening service of ours (acceptor), ${fields}`,
    record: recordOursListening,
  },
  {
    name: 'ours-polling',
    about: `A polling service of ours (connector) serving calls queued by a client of ours (acceptor), ${fields}`,
    record: recordOursPolling,
  },
]

for (const { name, about, record } of recordings) {
  const text = recordingText(about, await record())
  const path = join(folder, `${name}.jsonl`)
  await writeFile(path, text)
  process.stdout.write(`${path}: ${text.length} characters\n`)
}
