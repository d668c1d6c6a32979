/** How a caller of the web API proves who it is. */
export type Credentials =
  | { readonly kind: 'apiKey'; readonly apiKey: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }

/** The web API of a server, and how to speak with it. */
export interface ApiEndpoint {
  /** The server's address as users know it, without `/api` at its end. May have a path (a virtual folder). */
  readonly server: URL
  readonly credentials: Credentials
  /** Accepts any certificate of the web API. */
  readonly ignoreSslErrors: boolean
}

/** The path of the root document: `/api`, below the virtual folder if there is one. */
export function rootPath({ server }: Pick<ApiEndpoint, 'server'>): string {
  return `${folderOf(server)}/api`
}

/** The path of the server's address without a `/` at its end; empty if there is no virtual folder. */
export function folderOf(server: URL): string {
  return server.pathname.replace(/\/+$/, '')
}
