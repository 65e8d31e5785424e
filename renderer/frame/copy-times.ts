import { formatAbsolute } from '../format.ts';

/** Lets selected times be copied as the clock says, not as they are seen from now; answers how to stop. */
export function copyTimesAbsolute(): () => void {
  addEventListener('copy', onCopy);
  return () => removeEventListener('copy', onCopy);
}

function onCopy(event: ClipboardEvent): void {
  const selection = getSelection();
  if (selection === null || event.defaultPrevented || event.clipboardData === null) return;
  const times = [...document.querySelectorAll('time')].filter((time) => selection.containsNode(time));
  if (times.length === 0) return;
  const former = times.map(({ firstChild }) => firstChild?.nodeValue ?? '');
  times.forEach(write((time) => formatAbsolute(time.dateTime)));
  event.clipboardData.setData('text/plain', selection.toString());
  times.forEach(write((_, index) => former[index] ?? ''));
  event.preventDefault();
}

/** Changes the text itself, which the selection is bound to. */
function write(textOf: (time: HTMLTimeElement, index: number) => string) {
  return (time: HTMLTimeElement, index: number): void => {
    if (time.firstChild !== null) time.firstChild.nodeValue = textOf(time, index);
  };
}
