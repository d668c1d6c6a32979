import { createContext, useContext } from 'react'
import type { ApiClient } from '../api/client.ts'

/** The connection to the server, given to the whole page by `main.tsx`. */
export const ApiContext = createContext<ApiClient | undefined>(undefined)

/** @throws Error outside of an `ApiContext` */
export function useApi(): ApiClient {
  const api = useContext(ApiContext)
  if (!api) throw new Error('There is no ApiContext around this component.')
  return api
}
