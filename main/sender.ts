/** Who asks: the page of ours, in the main frame of a window, and nobody else. */

/** A frame as Electron tells of it. */
export interface SenderFrame {
  readonly url: string;
  readonly parent: object | null;
}

export function isPageUrl(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === 'berth:' && parsed.host === 'app';
}

/** `null`: the frame has navigated or is gone since it asked. */
export function isOwnFrame(frame: SenderFrame | null): frame is SenderFrame {
  return frame !== null && frame.parent === null && isPageUrl(frame.url);
}
