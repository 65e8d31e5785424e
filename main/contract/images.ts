/** Images that an engine of this computer holds, and pushes of them by that engine. */
import { z } from 'zod';
import { parseRepoName, parseTag } from '../../registry/spec/names.ts';

export interface LocalImage {
  /** `sha256:` and 64 digits. */
  readonly id: string;
  /** As the engine shows it: `alpine:latest`, `ghcr.io/org/app:2`. An image with more names comes once for each. */
  readonly name: string;
  readonly sizeBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
}

const engine = z.string().min(1).max(300);
/** Made by the page; unique among the pushes that run. */
const push = z.string().regex(/^[\w-]{1,64}$/);

export const imagesArguments = {
  /** Whether images of engines may be looked at; asked once. */
  'images.permit': z.strictObject({ mayList: z.boolean() }),
  /** The images with a name, the newest first. CONSENT_NEEDED until it was permitted. */
  'images.list': z.strictObject({ engine }),
  /** Lets the engine push an image under a name; resolves when the registry has it. CANCELLED. */
  'images.push': z.strictObject({
    push,
    engine,
    /** The id: no other word reaches a command line. */
    image: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    repository: z.string().refine((text) => parseRepoName(text) !== undefined, 'no name of a repository'),
    tag: z.string().refine((text) => parseTag(text) !== undefined, 'no tag'),
  }),
  /** Ends a push; nothing where it has ended. */
  'images.cancel': z.strictObject({ push }),
} as const;

export type PushRequest = z.output<(typeof imagesArguments)['images.push']>;

export interface ImagesResults {
  'images.permit': void;
  'images.list': readonly LocalImage[];
  'images.push': void;
  'images.cancel': void;
}
