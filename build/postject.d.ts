declare module 'postject' {
  /** Writes a resource into an executable, which must not have one of that name. */
  export function inject(
    path: string,
    name: string,
    content: Buffer,
    options: { readonly sentinelFuse: string; readonly machoSegmentName?: string },
  ): Promise<void>;
}
