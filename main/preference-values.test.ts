import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notificationDefaults } from './contract/preferences.ts';
import { boundsOnScreen } from './place.ts';
import { parsePreferences } from './preference-values.ts';

const fallback = {
  bounds: undefined,
  isMaximized: false,
  onClose: 'ask',
  keepsUnseen: false,
  hasTray: true,
  glyph: 'auto',
  openHidden: false,
  theme: 'system',
  notifications: notificationDefaults,
  toldAt: {},
  looksForUpdates: false,
  mutedEngines: [],
  isSetUp: false,
  mayListImages: false,
};

const rows = [
  { name: 'nothing', value: {}, parsed: fallback },
  { name: 'no object', value: null, parsed: fallback },
  {
    name: 'values of other types',
    value: { bounds: 'wide', onClose: 'explode', hasTray: 1, openHidden: true, more: 1 },
    parsed: { ...fallback, openHidden: true },
  },
  {
    name: 'switches and times of which some do not fit',
    value: {
      notifications: { push: true, disk: 'no', other: 1 },
      toldAt: { diskLow: 5, other: 'x' },
      glyph: 'pink',
      theme: 'dark',
    },
    parsed: { ...fallback, notifications: { ...notificationDefaults, push: true }, theme: 'dark' },
  },
  {
    name: 'what was kept',
    value: { bounds: { x: -5, y: 0, width: 900, height: 600 }, onClose: 'keep' },
    parsed: { ...fallback, bounds: { x: -5, y: 0, width: 900, height: 600 }, onClose: 'keep' },
  },
];

for (const { name, value, parsed } of rows) {
  test(`preferences of ${name}`, () => assert.deepEqual({ ...fallback, ...parsePreferences(value) }, parsed));
}

const screens = [
  { x: 0, y: 25, width: 1920, height: 1055 },
  { x: 1920, y: 0, width: 1280, height: 1024 },
];
const size = { width: 1120, height: 720 };
const places = [
  { name: 'on the first screen', x: 100, y: 100, isKept: true },
  { name: 'on the second screen', x: 2000, y: 0, isKept: true },
  { name: 'half out at the left', x: -1000, y: 100, isKept: true },
  { name: 'out at the left', x: -1100, y: 100, isKept: false },
  { name: 'with the title above the screen', x: 100, y: 0, isKept: false },
  { name: 'on a screen that is gone', x: 3300, y: 100, isKept: false },
];

for (const { name, x, y, isKept } of places) {
  test(`a window ${name} ${isKept ? 'comes back there' : 'is put elsewhere'}`, () => {
    const bounds = { x, y, ...size };

    assert.deepEqual(boundsOnScreen(bounds, screens), isKept ? bounds : undefined);
  });
}
