/** The list of settings, as the schema tells it. */

import { z } from 'zod';
import type { FieldMeta, Support } from '../spec/config-fields.ts';
import { configSchema } from '../spec/config.ts';
import type { Config } from '../spec/config.ts';

/** One setting, as the reference page and `berth config` show it. */
export interface Field {
  /** Dotted, as in `http.tls.key`. */
  readonly path: string;
  readonly title: string;
  readonly help: string;
  readonly type: string;
  /** As one would write it, or in words. */
  readonly default: string;
  readonly env: string;
  readonly level: Support;
  readonly restart: 'none' | 'listener' | 'process';
  readonly secret: boolean;
}

/** How a part of the schema is entered: by key, by any key, by index, or not at all. */
export type Shape =
  | { readonly kind: 'group'; readonly keys: ReadonlyMap<string, z.core.$ZodType> }
  | { readonly kind: 'record'; readonly value: z.core.$ZodType }
  | { readonly kind: 'list'; readonly item: z.core.$ZodType }
  | { readonly kind: 'leaf' };

/** Every setting in the order of the schema, ignored and refused ones included. */
export const fields: readonly Field[] = fieldsOf(configSchema, []);

/** The settings that mean something: neither ignored nor refused. */
export const supportedFields = fields.filter(({ level }) => level === 'supported');

/** The value of a setting; `undefined` where it is not said and has no default. */
export function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), config);
}

/** Answers the configuration with other values at some paths, all of which have their group in it. */
export function withValues(config: Config, values: ReadonlyMap<string, unknown>): Config {
  const copy = structuredClone(config);
  for (const [path, value] of values) {
    const keys = path.split('.');
    const group = keys.length === 1 ? copy : valueAt(copy, keys.slice(0, -1).join('.'));
    if (isRecord(group)) group[keys.at(-1) ?? ''] = value;
  }
  return copy;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Answers the shape under defaults and conversions. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
  if (schema instanceof z.ZodObject) return { kind: 'group', keys: new Map(Object.entries(schema.shape)) };
  if (schema instanceof z.ZodRecord) return { kind: 'record', value: schema.valueType };
  if (schema instanceof z.ZodArray) return { kind: 'list', item: schema.element };
  if (schema instanceof z.ZodUnion) {
    const list = schema.options.find((option) => option instanceof z.ZodArray);
    return list ? shapeOf(list) : { kind: 'leaf' };
  }
  return { kind: 'leaf' };
}

/** Answers what a field carries, or `undefined` for a group of fields. */
export function metaOf(schema: z.core.$ZodType): FieldMeta | undefined {
  const meta = z.globalRegistry.get(schema);
  return meta !== undefined && 'level' in meta ? (meta as FieldMeta) : undefined;
}

/** The name of the environment variable of a path: `http.addr` is REGISTRY_HTTP_ADDR. */
function envName(path: readonly string[]): string {
  const own = path[0] === 'berth';
  return [own ? 'BERTH' : 'REGISTRY', ...path.slice(own ? 1 : 0)].join('_').toUpperCase();
}

function fieldsOf(schema: z.core.$ZodType, path: readonly string[]): readonly Field[] {
  const meta = metaOf(schema);
  if (meta) {
    const { title, help, kind, fallback, level, restart, secret, env } = meta;
    const name = env ?? (path.join('') === 'version' ? '' : envName(path));
    return [
      { path: path.join('.'), title, help, type: kind, default: fallback, env: name, level, restart, secret },
    ];
  }
  const shape = shapeOf(schema);
  return shape.kind === 'group'
    ? [...shape.keys].flatMap(([key, child]) => fieldsOf(child, [...path, key]))
    : [];
}
