/**
 * The history of an image as the Dockerfile that made it, as far as it tells. Each builder writes steps in its own way:
 *
 *     docker, podman   /bin/sh -c #(nop)  CMD ["sh"]      /bin/sh -c apk add x      |1 V=1 /bin/sh -c apk add x
 *     buildkit         CMD ["sh" "-c"]                    RUN /bin/sh -c apk add x # buildkit
 *                                                         RUN |1 V=1 /bin/sh -c apk add x # buildkit
 *     others           bazel build ..., ko, jib: no Dockerfile was there, so it becomes a comment
 */
import type { HistoryStep } from '../spec/admin/image.ts';
import { type HistoryEntry, present } from './image-config.ts';

const instructions =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(?=\s|$)/;
const nop = '#(nop)';

/** The steps of a history; layers are counted by the steps that are not empty, if there are as many. */
export function describeHistory(
  history: readonly HistoryEntry[],
  layerCount: number,
): readonly HistoryStep[] {
  const isFitting = history.filter(({ isEmpty }) => !isEmpty).length === layerCount;
  let layer = -1;
  return history.map(({ created, createdBy, comment, isEmpty }) => {
    if (!isEmpty) layer += 1;
    return {
      command: cleanCommand(createdBy),
      ...present({ created, comment }),
      isEmpty,
      ...(isEmpty || !isFitting ? {} : { layer }),
    };
  });
}

/** The text of a Dockerfile; empty without steps. */
export function rebuildDockerfile(steps: readonly HistoryStep[]): string {
  if (steps.length === 0) return '';
  return [
    '# Rebuilt from the history of the image: what was copied from where, and what it began with, is not kept.',
    'FROM scratch',
    ...steps.map(({ command }) => command),
    '',
  ].join('\n');
}

/** A step as an instruction, or as a comment. */
export function cleanCommand(createdBy: string): string {
  const text = createdBy.trim().replace(/ # buildkit$/, '');
  const at = text.indexOf(nop);
  if (at >= 0 && at < 40) return instruction(text.slice(at + nop.length).trim());
  if (instructions.test(text)) return instruction(text);
  const command = shellCommand(text);
  return command === undefined ? asComment(text) : `RUN ${command}`;
}

function instruction(text: string): string {
  if (!instructions.test(text)) return asComment(text);
  const space = text.search(/\s/);
  const name = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? '' : text.slice(space).trim();
  switch (name) {
    case 'RUN':
      return `RUN ${shellCommand(rest) ?? rest}`;
    case 'ADD':
    case 'COPY':
      // Docker names the checksum of what was copied, and where it came to.
      return `${name} ${rest.replace(/^((?:file|dir|multi):\S+) in /, '$1 ')}`;
    case 'EXPOSE':
      return `EXPOSE ${rest.replace(/^map\[(.*)\]$/, '$1').replaceAll(':{}', '')}`;
    default:
      return rest === '' ? name : `${name} ${commaList(rest)}`;
  }
}

/** `/bin/sh -c`, `/bin/bash -euo pipefail -c`, `/bin/busybox sh -c`: SHELL may name any. */
const shell =
  /(?:^|\s)\/(?:[\w.-]+\/){0,9}(?:busybox )?(?:ba|a|da|k|z)?sh(?: -\w{1,9}| pipefail){0,9}? -\w{0,9}c(?=\s)/;
const windowsShell = /^(?:cmd|powershell) (?:\/S \/C|-Command) /i;

/** What a shell was told, without the build arguments before it. */
function shellCommand(text: string): string | undefined {
  const found = shell.exec(text);
  if (found !== null && (found.index === 0 || /^\|\d+ /.test(text))) {
    return text.slice(found.index + found[0].length).trim();
  }
  return windowsShell.test(text) ? text : undefined;
}

/** Go prints lists without commas: `["sh" "-c"]`. */
function commaList(text: string): string {
  if (!text.startsWith('["') || !text.endsWith('"]')) return text;
  const words = text.slice(1, -1).match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  return words.join(' ') === text.slice(1, -1) ? `[${words.join(', ')}]` : text;
}

function asComment(text: string): string {
  return `# ${text === '' ? 'a step that says nothing' : text.replaceAll(/\s*[\r\n]+\s*/g, ' ')}`;
}
