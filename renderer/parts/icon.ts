/** What icons of lucide are made with: see build/lean-code.ts. */
import { createElement, type SVGProps } from 'react';

type Attributes = Readonly<Record<string, string>>;

/** What is drawn: the elements of an icon on a ground of 24 by 24. */
interface Drawing {
  readonly node: readonly (readonly [tag: string, attributes: Attributes])[];
}

const ground = {
  width: 24,
  height: 24,
  viewBox: '0 0 24 24',
  fill: 'none',
  stroke: 'currentColor',
  strokeWidth: 2,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const;

/** Makes the component of an icon. It is hidden from screen readers unless it has a name. */
export function createIcon({ node }: Drawing) {
  const lines = node.map(([tag, attributes]) => createElement(tag, attributes));
  return (props: SVGProps<SVGSVGElement>) =>
    createElement(
      'svg',
      { ...ground, 'aria-hidden': props['aria-label'] === undefined ? true : undefined, ...props },
      ...lines,
    );
}
