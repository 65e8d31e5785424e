import { Notice } from '../../parts/states.tsx';
import { formatForeign } from '../../format.ts';

/** What to do about what could not be told, by the sentence that tells it. */
const advice: readonly (readonly [sentence: RegExp, advice: string])[] = [
  [/^The manifest of .* is not here/, 'Choose another platform, or push the image again with all of them.'],
  [
    /^The config .* is not in this repository/,
    'Push the image again: its layers are shown as far as they are here.',
  ],
  [/^The config is not that of an image/, 'The raw texts show what it is.'],
  [/^It is no manifest/, 'The raw texts show what it is. Push the image again with a current tool.'],
  [/^The history does not fit/, 'The layers are shown without their commands; Dockerfile has the history.'],
  [/^The index does not know it yet/, 'This mends itself in a moment.'],
  [
    /damaged|put aside|does not have its digest/,
    'Push the image again: that heals it. Storage says what else is damaged.',
  ],
];

/** What could not be told of an image, in words, with what can be done. */
export function Notes({ notes }: { readonly notes: readonly string[] }) {
  return notes.map((note) => (
    <Notice key={note} kind="warn">
      {formatForeign(note)} {advice.find(([sentence]) => sentence.test(note))?.[1]}
    </Notice>
  ));
}
