/** What the process that works on data directories tells the shell, which ends it when it has read the last message. */

/** Its arguments: a task, the data directory, and for a copy the other one. */
export type DataTask =
  | { readonly kind: 'copy'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

export type FromDataTask =
  | { readonly kind: 'progress'; readonly files: number; readonly bytes: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint: string };

export function argumentsOf(task: DataTask): readonly string[] {
  return task.kind === 'copy' ? [task.kind, task.from, task.to] : [task.kind, task.path];
}
