/**
 * `npm run bench [-- scale | window | desktop]`: beside docker-registry, over growing numbers of tags, the window in Chromium, or
 * the start and the rest of the desktop app.
 */
const [what = 'compare'] = process.argv.slice(2);

if (what === 'compare') await import('./compare.ts');
else if (what === 'scale') await import('./scale.ts');
else if (what === 'window') await import('./window.ts');
else if (what === 'desktop') await import('./desktop.ts');
else {
  process.stderr.write('use: npm run bench [-- scale | window | desktop]\n');
  process.exitCode = 2;
}
