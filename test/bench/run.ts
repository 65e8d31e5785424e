/**
 * `npm run bench [-- compare | build | scale | window | desktop]`: beside other registries (and `build` makes those of them that Go
 * can make), over growing numbers of tags, the window in Chromium, or the start and the rest of the desktop app.
 */
const [what = 'compare', ...ids] = process.argv.slice(2);

if (what === 'compare') await import('./compare.ts');
else if (what === 'build') {
  const { buildOthers } = await import('./others.ts');
  await buildOthers(ids);
} else if (what === 'scale') await import('./scale.ts');
else if (what === 'window') await import('./window.ts');
else if (what === 'desktop') await import('./desktop.ts');
else {
  process.stderr.write(
    'use: npm run bench [-- compare [MEASURE ...] | build OTHER ... | scale | window | desktop]\n',
  );
  process.exitCode = 2;
}
