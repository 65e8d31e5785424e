import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passBelow, type TrackCell, tracksOf } from './tracks.ts';

test('tags of one digest are joined from the first to the last, each track in a lane of its own', () => {
  assert.deepEqual(drawingOf('a b a c c b d'), [
    '┬    1',
    '│┬   2',
    '┴│   1',
    '┬│   3',
    '┴│   3',
    ' ┴   2',
    '     ',
  ]);
});

test('a line goes on through the rows between, and stops a row on its way', () => {
  assert.deepEqual(drawingOf('a x a y a'), ['┬    1', '│    ', '┼    1', '│    ', '┴    1']);
});

test('a track that finds no lane has a number', () => {
  assert.deepEqual(drawingOf('a b c d e e d c b a'), [
    '┬    1',
    '│┬   2',
    '││┬  3',
    '│││┬ 4',
    '││││ 5',
    '││││ 5',
    '│││┴ 4',
    '││┴  3',
    '│┴   2',
    '┴    1',
  ]);
});

test('below an open row the lines go on that leave it', () => {
  const cells = tracksOf(['a', 'b', 'a', 'b']);

  assert.deepEqual(
    cells.map((cell) => lineOf(passBelow(cell))),
    ['│    ', '││   ', ' │   ', '     '],
  );
});

function drawingOf(digests: string): readonly string[] {
  return tracksOf(digests.split(' ')).map(lineOf);
}

function lineOf({ lanes, number }: TrackCell): string {
  const drawn = [0, 1, 2, 3].map((lane) => {
    const segment = lanes[lane];
    if (segment === undefined) return ' ';
    if (!segment.isNode) return '│';
    return segment.isUp ? (segment.isDown ? '┼' : '┴') : '┬';
  });
  return `${drawn.join('')} ${number ?? ''}`;
}
