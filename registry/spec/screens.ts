/** The screens of the window, as its address and `berth open` name them. */
export const screens = [
  'home',
  'repositories',
  'activity',
  'storage',
  'logs',
  'access',
  'doctor',
  'changes',
  'settings',
] as const;
export type Screen = (typeof screens)[number];
