/** What went wrong, for the person in front of the window. The sentences of the registry come with its errors. */
import { AppError, type ErrorCode } from '../registry/spec/errors.ts';

export interface Problem {
  /** One sentence: what is wrong. */
  readonly title: string;
  /** What to do. */
  readonly hint: string;
  readonly code: string;
  readonly requestId?: string;
}

/** Words of our own for codes whose own are made for other faces. */
const titles: Partial<Record<ErrorCode, string>> = {
  NOT_RUNNING: 'The registry does not answer.',
};

export function problemOf(error: unknown): Problem {
  if (!(error instanceof AppError)) {
    const text = error instanceof Error ? error.message : String(error);
    return {
      title: `Something unexpected happened: ${text.replace(/[^.!?]$/, '$&.')}`,
      hint: 'Reload the window.',
      code: 'UNEXPECTED',
    };
  }
  const detail = error.detail as { readonly requestId?: unknown } | null | undefined;
  const requestId = typeof detail === 'object' ? detail?.requestId : undefined;
  return {
    title: titles[error.code] ?? error.message,
    hint: error.hint,
    code: error.code,
    ...(typeof requestId === 'string' ? { requestId } : {}),
  };
}

/** What is wrong, and what to do. */
export function sentencesOf(error: unknown): string {
  const { title, hint } = problemOf(error);
  return `${title} ${hint}`.trim();
}

/** As text, to be copied into a report. */
export function describeProblem({ code, title, hint, requestId }: Problem): string {
  return [`${code}: ${title}`, hint, ...(requestId === undefined ? [] : [`request ${requestId}`])].join('\n');
}
