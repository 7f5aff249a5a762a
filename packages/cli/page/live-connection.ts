import type { Frame } from './live-tasks.ts'

/** What the page hears from the server. */
export interface ConnectionListener {
  frame(frame: Frame): void
  /** `live`: frames come · `lost`: it is tried again · `over`: the server does not know this page any more. */
  state(state: 'live' | 'lost' | 'over'): void
}

/** Listens to the server. When the connection is lost, the browser tries again and says which frame it had last. */
export function connect(listener: ConnectionListener): void {
  const source = new EventSource('/api/events')
  source.onopen = () => listener.state('live')
  source.onmessage = ({ data }: MessageEvent<string>) => listener.frame(JSON.parse(data))
  source.onerror = () => listener.state(source.readyState === EventSource.CLOSED ? 'over' : 'lost')
}
