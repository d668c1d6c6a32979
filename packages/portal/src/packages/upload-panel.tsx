import { Button, FileButton, Progress } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { DragEvent, ReactNode } from 'react'
import { useRef, useState } from 'react'
import { ApiError } from '../api/api-error.ts'
import { type OverwriteMode, type UploadProgress, uploadPackage } from '../api/packages.ts'
import { useApi } from '../app/api-context.ts'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Icon } from '../parts/icons.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { formatSize } from '../text/size.ts'
import styles from './upload-panel.module.css'

interface Choice {
  readonly file: File
  readonly mode: OverwriteMode
}

/** Takes a package file by drag and drop or by a button and sends it to the server's feed. */
export function UploadPanel(): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const { space } = useParams({ from: '/inside/$space/library/packages' })
  const [isOver, setOver] = useState(false)
  const [progress, setProgress] = useState<UploadProgress>({ sent: 0, total: 0 })
  const control = useRef(new AbortController())
  const upload = useMutation({
    mutationFn({ file, mode }: Choice) {
      control.current = new AbortController()
      setProgress({ sent: 0, total: file.size })
      return uploadPackage(api, space, {
        file,
        mode,
        onProgress: setProgress,
        signal: control.current.signal,
      })
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ['packages'] }),
  })
  const isThere = upload.error instanceof ApiError && upload.error.status === 409
  const wasStopped = upload.isError && control.current.signal.aborted

  function take(file: File | null | undefined): void {
    if (file && !upload.isPending) upload.mutate({ file, mode: 'FailIfExists' })
  }

  function onDrop(event: DragEvent): void {
    event.preventDefault()
    setOver(false)
    take(event.dataTransfer.files[0])
  }

  return (
    <Panel title="Upload a package">
      <section
        className={styles.place}
        data-over={isOver}
        aria-label="Place to drop a package file"
        onDragOver={event => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        {upload.isPending ? (
          <Sending
            name={upload.variables.file.name}
            progress={progress}
            onStop={() => control.current.abort()}
          />
        ) : (
          <>
            <span>
              Drop a file here, or{' '}
              <FileButton onChange={take}>
                {props => (
                  <Button
                    {...props}
                    size="xs"
                    variant="default"
                    leftSection={<Icon name="upload" size={14} />}
                  >
                    Choose a file
                  </Button>
                )}
              </FileButton>
            </span>
            <span className={styles.hint}>
              The name says what it is: <code>Acme.Web.1.4.0.zip</code> is version 1.4.0 of Acme.Web. Also
              .nupkg, .tar.gz, .tar.bz2, .jar and .war.
            </span>
          </>
        )}
      </section>
      {upload.isError && !wasStopped ? (
        <div className={styles.outcome}>
          <ErrorPanel title={`${upload.variables.file.name} was not stored`} error={upload.error} />
          {isThere ? (
            <Button
              size="xs"
              mt="xs"
              variant="default"
              onClick={() => upload.mutate({ file: upload.variables.file, mode: 'OverwriteExisting' })}
            >
              Replace the stored version
            </Button>
          ) : null}
        </div>
      ) : null}
      {upload.data ? (
        <div className={styles.outcome}>
          <Notice tone="good">
            Stored as version {upload.data.version} of {upload.data.packageId}, {formatSize(upload.data.size)}
            .
          </Notice>
        </div>
      ) : null}
    </Panel>
  )
}

function Sending({
  name,
  progress: { sent, total },
  onStop,
}: {
  name: string
  progress: UploadProgress
  onStop: () => void
}): ReactNode {
  const percent = total === 0 ? 0 : Math.floor((sent / total) * 100)
  return (
    <div className={styles.sending}>
      <div className={styles.words}>
        <span>
          Sending {name}: {formatSize(sent)} of {formatSize(total)}
        </span>
        <Button size="compact-xs" variant="subtle" onClick={onStop}>
          Stop
        </Button>
      </div>
      <Progress value={percent} aria-label={`Upload of ${name}`} />
      {percent === 100 ? <span className={styles.hint}>The server is storing it …</span> : null}
    </div>
  )
}
