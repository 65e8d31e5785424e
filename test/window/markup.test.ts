/**
 * Texts that would do something in markup, in every field that strangers fill: all of them are text. MARKUP_TEXTS: how many
 * there are of each.
 */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { writeTar } from '../../registry/archive/tar.ts';
import { openClient } from '../../registry/cli/client.ts';
import { mediaTypes, pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { forEachOf } from '../support/parallel.ts';
import { needs } from '../support/tools.ts';
import { openWindow } from '../support/window.ts';

const count = Number(process.env['MARKUP_TEXTS'] ?? 60);
const act = 'executed()';

/** What a text breaks out of. */
const starts = [
  '', '">', "'>", '`>', '-->', ']]>', '</title>', '</textarea>', '</style>', '</script>', '</svg>', '<!--', '\\">', '\u202E', '&lt;',
]; // prettier-ignore

/** What it does then. */
const acts = [
  `<script>${act}</script>`,
  `<script src=https://elsewhere.example/x.js></script>`,
  `<img src=x onerror=${act}>`,
  `<svg onload=${act}>`,
  `<svg><animate onbegin=${act} attributeName=x dur=1s>`,
  `<svg><script>${act}</script></svg>`,
  `<iframe srcdoc="<script>parent.${act}</script>"></iframe>`,
  `<iframe src="javascript:parent.${act}"></iframe>`,
  `<object data="javascript:${act}"></object>`,
  `<embed src="javascript:${act}">`,
  `<a href="javascript:${act}" onmouseover=${act}>x</a>`,
  `<base href="https://elsewhere.example/">`,
  `<meta http-equiv=refresh content="0;url=https://elsewhere.example/">`,
  `<details open ontoggle=${act}>`,
  `<body onload=${act}>`,
  `<input autofocus onfocus=${act}>`,
  `<video><source onerror=${act}></video>`,
  `<math href="javascript:${act}">x</math>`,
  `<form action="javascript:${act}"><button autofocus>`,
  `<style>@import "https://elsewhere.example/x.css";*{animation:x}</style>`,
];

/** All of them once before one comes again; each begins with its number, by which it is found. */
const texts = Array.from({ length: count }, (_, at) => {
  const start = starts[(at + Math.floor(at / acts.length)) % starts.length] ?? '';
  return `n${at}n${start}${acts[at % acts.length] ?? ''}`;
});

/** What `pushEverything` fills. */
const fields =
  'label, its value, annotation of a manifest, its value, annotation of a file, its value, variable, its value, author, command, entry point, user, folder, port, volume, step, its comment, file of a layer, its content, package, its version, its licence, label of a token, path of a request, login, user agent'.split(
    ', ',
  );

const forbidden = [
  'img', 'iframe', 'object', 'embed', 'base', 'math', 'video', 'animate', 'script:not([src])',
  'meta[http-equiv="refresh"]', '[onload]', '[onerror]', '[onfocus]', '[onmouseover]', '[onbegin]', '[ontoggle]',
  '[href^="javascript" i]', '[action^="javascript" i]', '[href*="elsewhere"]', '[src*="elsewhere"]',
].join(); // prettier-ignore

test(`${count} texts of markup in each field are text`, needs('chromium'), async (t) => {
  await using window = await openWindow();
  const { page, registry, user, context, complaints } = window;
  page.setDefaultTimeout(30_000);
  const executed: string[] = [];
  const left: string[] = [];
  await context.exposeFunction('executed', () => void executed.push(page.url()));
  context.on('page', (opened) => void left.push(`opened ${opened.url()}`));
  context.on('request', (asked) => {
    if (!asked.url().startsWith(registry.url)) left.push(asked.url());
  });
  await page.reload();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  const repository = 'team/markup';
  await pushEverything();

  /** Each field of an image, an artifact, a token and a line of the log has each of the texts. */
  async function pushEverything(): Promise<void> {
    const pusher = pushInto({ ...registry, user }, repository);
    const files = texts.map((text) => ({ name: text.replaceAll('/', '|'), bytes: Buffer.from(text) }));
    const layer = gzipSync(writeTar(files));
    const pairs = Object.fromEntries(texts.map((text) => [text, text]));
    const config = {
      os: 'linux',
      architecture: 'amd64',
      author: texts.join(' '),
      config: {
        Labels: pairs,
        Env: texts.map((text) => `${text.replaceAll('=', '')}=${text}`),
        Cmd: texts,
        Entrypoint: texts,
        User: texts.join(' '),
        WorkingDir: texts.join(' '),
        ExposedPorts: Object.fromEntries(texts.map((text) => [text, {}])),
        Volumes: Object.fromEntries(texts.map((text) => [text, {}])),
      },
      history: texts.map((text) => ({ created_by: text, comment: text, empty_layer: true })),
      rootfs: { type: 'layers', diff_ids: [] },
    };
    const pushed = await pusher.image({ layers: [layer], config, annotations: pairs }, 'one');
    const listed = texts.map((text) => ({ name: text, versionInfo: text, licenseConcluded: text }));
    const spdx = JSON.stringify({ spdxVersion: 'SPDX-2.3', packages: listed });
    const file = { ...(await pusher.blob(spdx, 'application/spdx+json')), annotations: pairs };
    const empty = await pusher.blob('{}', mediaTypes.empty);
    const artifact = { artifactType: 'application/spdx+json', config: empty, layers: [file] };
    await pusher.manifest({ ...artifact, annotations: pairs, subject: pushed });
    await pusher.manifest({ ...artifact, annotations: pairs }, 'artifact');
    using client = await openClient(registry.dataDir);
    for (const text of texts)
      await client.call('tokens.create', {
        owner: 'admin',
        label: text.slice(0, 60),
        verbs: ['pull'],
        repositories: ['**'],
        expiryDays: 7,
      });
    await forEachOf(texts, 8, async (text) => {
      const bytes = Buffer.from(text).toString('latin1').replaceAll('\u00AE', '');
      await request(registry.plainUrl, {
        path: `/v2/${encodeURIComponent(text)}/manifests/1`,
        user: `${text}:wrong`,
        headers: { 'user-agent': bytes.replaceAll(/[^ -~]/g, '') },
      });
    });
  }

  const image = `#/repositories/${repository}/_/image/one`;
  const artifact = `#/repositories/${repository}/_/image/artifact`;
  let [screens, shown] = [0, 0];
  for (const [hash, least] of [
    [image, count],
    [`${image}/layers?layer=1`, 10],
    [`${image}/dockerfile`, count],
    // Who is attached is told by its kind.
    [`${image}/attached`, 0],
    [`${image}/raw`, count],
    [artifact, count],
    [`${artifact}/files?file=1`, 1],
    [`${artifact}/raw`, count],
    ['#/activity', 1],
    ['#/logs', 10],
    ['#/access/tokens', 10],
  ] as const) {
    await t.test(`at ${hash}`, async (each) => {
      await window.go(hash);
      const seen = await readAll(Math.min(least, count));

      const markup = await page.locator(forbidden).evaluateAll((all) => all.map((one) => one.outerHTML));
      each.diagnostic(`${hash.slice(2)}: ${seen.size} of ${count} texts were shown`);
      assert.deepEqual([executed, left, complaints, markup], [[], [], [], []]);
      assert.ok(seen.size >= Math.min(least, count), `${seen.size} were shown`);
      assert.ok(page.url().startsWith(`${registry.url}/ui/`), page.url());
      screens += 1;
      shown += seen.size;
    });
  }
  t.diagnostic(
    `${count} texts in each of ${fields.length} fields, ${shown} times shown on ${screens} screens: ${executed.length} scripts, ${left.length} navigations and pages that opened`,
  );

  /** Which of the texts are on the screen while it is scrolled to its end; waits for as many as there are at least. */
  async function readAll(least: number): Promise<ReadonlySet<string>> {
    const seen = new Set<string>();
    for (let still = 0, turns = 0; (still < 2 || seen.size < least) && turns < 400; turns += 1) {
      const before = seen.size;
      const text = await page.evaluate(() => {
        const main = document.querySelector('main');
        const scrolled = [main, ...(main?.querySelectorAll('*') ?? [])].filter(
          (each): each is HTMLElement =>
            each instanceof HTMLElement && each.scrollHeight > each.clientHeight + 1,
        );
        for (const each of scrolled) each.scrollTop += each.clientHeight * 0.5;
        globalThis.scrollBy(0, innerHeight * 0.5);
        return new Promise<string>((resolve) => {
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(main?.textContent ?? '')));
        });
      });
      for (const [number] of text.matchAll(/n\d+n/g)) seen.add(number);
      still = seen.size === before ? still + 1 : 0;
    }
    return seen;
  }
});
